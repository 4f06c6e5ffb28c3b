// Command aeod is the operator of AutoEcoOps.
package main

import (
	"os"

	"github.com/autoecoops/autoecoops/internal/app/daemon"
)

func main() { os.Exit(daemon.Main(os.Args[1:])) }
