package api

import "net/http"

// Bare serves the routes of the API as the standard library does alone: without the router, and all that it adds.
func Bare(users Users) http.Handler {
	mux := http.NewServeMux()
	for pattern, handler := range routes(users) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := handler(w, r); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		})
	}
	return mux
}
