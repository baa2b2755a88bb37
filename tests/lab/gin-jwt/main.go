// gin-jwt, as its README shows it: issuer and audience are not among what it checks. Without details its
// function Unauthorized answers all alike.
package main

import (
	"log"
	"os"
	"strings"
	"time"

	jwt "github.com/appleboy/gin-jwt"
	"github.com/gin-gonic/gin"
)

func main() {
	secret, err := os.ReadFile(os.Getenv("LAB_KEYS") + "/secret")
	if err != nil {
		log.Fatal(err)
	}
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	authMiddleware, err := jwt.New(&jwt.GinJWTMiddleware{
		Realm:       "test zone",
		Key:         secret,
		Timeout:     time.Hour,
		IdentityKey: "sub",
		Authorizator: func(data interface{}, c *gin.Context) bool {
			return !strings.HasPrefix(c.Request.URL.Path, "/admin/")
		},
		Unauthorized: func(c *gin.Context, code int, message string) {
			if os.Getenv("LAB_DETAILS") == "off" {
				message = "Unauthorized"
			}
			c.JSON(code, gin.H{"code": code, "message": message})
		},
		TokenLookup:   "header: Authorization",
		TokenHeadName: "Bearer",
	})
	if err != nil {
		log.Fatal("JWT Error:" + err.Error())
	}
	r.Use(authMiddleware.MiddlewareFunc())
	fine := func(c *gin.Context) { c.String(200, "fine\n") }
	r.GET("/orders/:name", fine)
	r.GET("/admin/:name", fine)
	log.Fatal(r.Run("127.0.0.1:" + os.Getenv("LAB_PORT")))
}
