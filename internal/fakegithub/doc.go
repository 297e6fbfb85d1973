// Package fakegithub is a GitHub in memory: an [http.Handler] that answers the
// REST calls that valetkey makes and serves git repositories, as strictly as
// GitHub does. The tests run against it, and `valetkey demo` shows the product
// on it.
//
// Start with [New], fill the state with [Server.AddRepository], [Server.AddApp]
// and [Server.Install], hand the Server to an http.Server (or call it
// directly), and look at what happened with [Server.Requests] and
// [Server.Tokens]. [Server.Inject] makes it fail the way GitHub fails, and
// [Server.SetPointsPerMinute] and its like set rate limits. [Server.Secrets]
// shows the secrets as a workflow would see them. [Server.SetSecret],
// [Server.DeleteSecret] and [Server.DeleteRepository] change things as other
// people would.
//
// People make personal access tokens, and an organization judges them:
// [Server.RequestAccess] and [Server.GrantAccess] add what
// [Server.ChangeRequest], [Server.UseToken] and their like change between two
// readings, and [Server.Reviews] tells what became of it.
// [Server.AuthorizeCredential], [Server.AddAlert], [Server.AddMember],
// [Server.AddAuditEvent] and [Server.AddIssue] fill what is around them.
// Whatever GitHub only queues happens after [Server.SetQueueDelay].
//
// It refuses whatever GitHub would refuse: a JWT is verified against the App's
// public key, a token reaches only its repositories, and a permission level
// that is too low is a 403. It imports none of the packages that it tests, so
// that it cannot confirm their mistakes. Its records of requests hold no
// credential, and it serves no file outside Config.GitRoot. Where GitHub's
// behaviour is documented nowhere, a comment says "unconfirmed".
//
// The routes are the same at / and, as on GitHub Enterprise Server, below
// /api/v3/. The time is time.Now plus [Server.SetClockSkew], so
// testing/synctest can move it.
package fakegithub
