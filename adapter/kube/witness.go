package kube

import (
	"context"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
)

// Witness implements deliver.Witness.
type Witness struct{ client *Client }

// NewWitness returns a Witness.
func NewWitness(c *Client, _ func(deliver.AppKey)) *Witness { return &Witness{c} }

// Close ends its watches.
func (w *Witness) Close() {}

// Follow implements deliver.Witness.
func (w *Witness) Follow(deliver.AppKey, []deliver.Key) {}

// Forget implements deliver.Witness.
func (w *Witness) Forget(deliver.AppKey) {}

// UserOf implements deliver.Witness.
func (w *Witness) UserOf(context.Context, deliver.Key) (string, error) { return "", nil }

// Look implements deliver.Witness.
func (w *Witness) Look(deliver.AppKey, []deliver.Live) deliver.Report { return deliver.Report{} }

// Evidence implements deliver.Witness.
func (w *Witness) Evidence(context.Context, deliver.AppKey, []deliver.Live) []v1alpha1.Evidence {
	return nil
}
