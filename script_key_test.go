package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/valetkey/valetkey/internal/fakegithub/fakegithubtest"
)

func pkcs8(key any) string {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func pasteKey(ts *testscript.TestScript, _ bool, args []string) {
	good := fakegithubtest.PEM(fakegithubtest.Key())
	var text string
	switch args[0] {
	case "pkcs1":
		text = good
	case "pkcs8":
		text = pkcs8(fakegithubtest.Key())
	case "escaped":
		text = strings.ReplaceAll(good, "\n", `\n`)
	case "base64":
		text = base64.StdEncoding.EncodeToString([]byte(good))
	case "empty":
		text = " \n"
	case "garbage":
		text = rand.Text() + rand.Text()
	case "truncated":
		text = good[:len(good)/2]
	case "damaged":
		text = strings.Replace(good, good[200:264], "", 1)
	case "encrypted":
		text = strings.Replace(good, "-----\n", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1)
	case "public":
		der, err := x509.MarshalPKIXPublicKey(&fakegithubtest.Key().PublicKey)
		ts.Check(err)
		text = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	case "ec":
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		ts.Check(err)
		text = pkcs8(key)
	case "ed25519":
		_, key, err := ed25519.GenerateKey(rand.Reader)
		ts.Check(err)
		text = pkcs8(key)
	case "another":
		text = fakegithubtest.PEM(fakegithubtest.NewKey())
	case "pat":
		text = "ghp_" + rand.Text() + rand.Text()
	default:
		ts.Fatalf("key %s: unknown form", args[0])
	}
	ts.Setenv("INPUT_PRIVATE-KEY", text)
}
