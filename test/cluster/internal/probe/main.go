// Command probe is the program that this module's tests put into containers:
// a small server that can be made to misbehave.
//
// Its first argument says how: "serve" is ready at once, "unready" never,
// "crash" ends with status 7, "eat" takes memory until it is stopped.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

func main() {
	how := "serve"
	if len(os.Args) > 1 {
		how = os.Args[1]
	}
	fmt.Println("probe:", how)
	switch how {
	case "crash":
		os.Exit(7)
	case "eat":
		eat()
	}
	http.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		host, _ := os.Hostname() // an empty name is an answer, too
		fmt.Fprintln(w, "hello from", host)
	})
	http.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) {
		if how == "unready" {
			http.Error(w, "made to be unready", http.StatusServiceUnavailable)
		}
	})
	http.HandleFunc("GET /fetch", fetch)
	server := &http.Server{Addr: ":8080", ReadHeaderTimeout: 5 * time.Second}
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
	os.Exit(1)
}

// fetch passes on what the address in the query answers to this container.
func fetch(w http.ResponseWriter, r *http.Request) {
	client := http.Client{Timeout: 5 * time.Second}
	resp, err := client.Get(r.URL.Query().Get("url"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body) // the asker sees what is missing
}

// eat takes memory and touches every page of it.
func eat() {
	var all [][]byte
	for {
		block := make([]byte, 4<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		all = append(all, block)
		if len(all)%16 == 0 {
			fmt.Println("probe:", len(all)*4, "MiB")
		}
	}
}
