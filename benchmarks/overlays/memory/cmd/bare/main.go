// Command bare serves the API by the standard library alone, at HTTP_ADDR.
package main

import (
	"log"
	"net/http"
	"os"

	"example.com/user-service/internal/api"
	"example.com/user-service/internal/user"
)

func main() {
	log.Fatal(http.ListenAndServe(os.Getenv("HTTP_ADDR"), api.Bare(user.NewService(user.NewStore()))))
}
