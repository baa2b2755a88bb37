// net/http with golang-jwt, as its examples for ParseWithClaims show it; with details the error is sent.
package main

import (
	"errors"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/golang-jwt/jwt"
)

type claims struct {
	Scope string `json:"scope"`
	jwt.RegisteredClaims
}

// Valid is called by the parser when the signature is right.
func (c claims) Valid() error {
	if err := c.RegisteredClaims.Valid(); err != nil {
		return err
	}
	if !c.VerifyIssuer(os.Getenv("LAB_ISSUER"), true) {
		return errors.New("token has invalid issuer")
	}
	if !c.VerifyAudience(os.Getenv("LAB_AUDIENCE"), true) {
		return errors.New("token has invalid audience")
	}
	return nil
}

func main() {
	pem, err := os.ReadFile(os.Getenv("LAB_KEYS") + "/rs256.pem")
	if err != nil {
		log.Fatal(err)
	}
	key, err := jwt.ParseRSAPublicKeyFromPEM(pem)
	if err != nil {
		log.Fatal(err)
	}
	details := os.Getenv("LAB_DETAILS") == "on"
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}))
	serve := func(w http.ResponseWriter, r *http.Request) {
		refuse := func(status int, why string) {
			if !details {
				why = http.StatusText(status)
			}
			http.Error(w, why, status)
		}
		field := r.Header.Get("Authorization")
		if field == "" {
			refuse(http.StatusUnauthorized, "missing authorization header")
			return
		}
		text := strings.TrimPrefix(field, "Bearer ")
		if text == field {
			refuse(http.StatusUnauthorized, "invalid authorization header")
			return
		}
		var claims claims
		_, err := parser.ParseWithClaims(text, &claims, func(*jwt.Token) (interface{}, error) { return key, nil })
		if err != nil {
			refuse(http.StatusUnauthorized, err.Error())
			return
		}
		if strings.HasPrefix(r.URL.Path, "/reports/") && !strings.Contains(" "+claims.Scope+" ", " reports:read ") {
			refuse(http.StatusForbidden, "insufficient scope")
			return
		}
		if strings.HasPrefix(r.URL.Path, "/admin/") {
			refuse(http.StatusForbidden, "permission denied")
			return
		}
		w.Write([]byte("fine\n"))
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("LAB_PORT"), http.HandlerFunc(serve)))
}
