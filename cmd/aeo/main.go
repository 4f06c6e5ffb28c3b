// Command aeo judges Kubernetes repositories against best practice.
package main

import (
	"os"

	"github.com/autoecoops/autoecoops/internal/app"
)

func main() { os.Exit(app.Main(os.Args[1:])) }
