package app

import (
	"github.com/autoecoops/autoecoops/adapter/helm"
	"github.com/autoecoops/autoecoops/adapter/kustomize"
	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/internal/config"
)

// NewEngine returns an engine of ASSESS with the real adapters, for a target of
// a Kubernetes version ("v1.37", "" for the newest known).
func NewEngine(kubeVersion string) *assess.Engine { return newEngine(kubeVersion, servedByAll...) }

// ChooseChecks returns the checks that settings ask for.
func ChooseChecks(s config.Assess) ([]*check.Check, error) { return chooseChecks(s) }

// ServedByAll returns API versions that every supported cluster serves but that
// charts are not told of by themselves.
func ServedByAll() []string { return servedByAll }

// ChartFunc lets kustomizations render charts.
func ChartFunc(charts *helm.Renderer) kustomize.ChartFunc { return chartFunc(charts) }
