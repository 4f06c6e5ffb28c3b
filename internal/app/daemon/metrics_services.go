package daemon

import (
	"context"
	"log/slog"
	"sync"

	"github.com/autoecoops/autoecoops/adapter/kube"
	"github.com/autoecoops/autoecoops/adapter/scrape"
)

// followServices tells who scrapes pods of the Services that say that theirs have metrics,
// until ctx ends. Who may not list them still scrapes what pods say themselves.
func followServices(ctx context.Context, client *kube.Client, namespaces []string, to *scrape.Pods, log *slog.Logger) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, namespace := range namespaces {
		said := ""
		w := &kube.ServiceWatch{
			Client: client, Namespace: namespace,
			Changed: func(s kube.Service) { said = ""; to.ServiceChanged(serviceOf(s)) },
			Gone:    to.ServiceGone,
			Trouble: func(err error) {
				if err.Error() != said { // it is tried again and again
					said = err.Error()
					log.Warn("services whose pods are to be scraped could not be followed", "namespace", namespace, "error", said)
				}
			},
		}
		wg.Go(func() { w.Run(ctx) })
	}
}

// serviceOf is what scraping needs of a Service.
func serviceOf(s kube.Service) scrape.Service {
	out := scrape.Service{Namespace: s.Namespace, Name: s.Name, Notes: s.Notes, Selector: s.Selector}
	for _, port := range s.Ports {
		out.Ports = append(out.Ports, scrape.ServicePort(port))
	}
	return out
}
