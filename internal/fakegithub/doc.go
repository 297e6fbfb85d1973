// Package fakegithub is a GitHub in memory: an [http.Handler] that answers the REST calls and serves the git
// repositories that valetkey touches, as strictly as GitHub does. Our tests run against it and `valetkey demo`
// shows the product on it.
//
// Start with [New], fill the state with [Server.AddRepository], [Server.AddApp] and [Server.Install], hand the Server
// to an http.Server (or call it directly), and look at what happened with [Server.Requests] and [Server.Tokens].
// [Server.Inject] makes it fail the way GitHub fails, [Server.SetPointsPerMinute] and its like limit it as GitHub does.
// What workflows would see of the secrets that were sent shows [Server.Secrets]; [Server.SetSecret],
// [Server.DeleteSecret] and [Server.DeleteRepository] are the others who change things meanwhile.
//
// It never answers what a real GitHub would refuse: a JWT is verified against the App's public key, a token reaches
// only its repositories, a level that is too low is a 403. It imports none of the packages it is used to test, so that
// it cannot confirm their mistakes; it keeps no credential in its records of requests; and it never serves a file
// outside Config.GitRoot. Where GitHub's behaviour is documented nowhere, a comment says "unconfirmed".
//
// The routes are the same at / and, as on GitHub Enterprise Server, below /api/v3/. Time is time.Now plus
// [Server.SetClockSkew], so testing/synctest can move it.
package fakegithub
