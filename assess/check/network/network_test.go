package network

import (
	"testing"

	"github.com/autoecoops/autoecoops/assess/check/checktest"
)

func TestChecks(t *testing.T) { checktest.Run(t, Checks()) }
