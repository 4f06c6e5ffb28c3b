// Package metrics wires the store of metrics to those who fill it and to who asks.
package metrics

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/storage"

	"github.com/autoecoops/autoecoops/adapter/promql"
	"github.com/autoecoops/autoecoops/adapter/remotewrite"
	"github.com/autoecoops/autoecoops/adapter/scrape"
	"github.com/autoecoops/autoecoops/adapter/tsdb"
	"github.com/autoecoops/autoecoops/fault"
)

// Settings say where metrics are kept, and who may ask and send. What is zero is as
// usual.
type Settings struct {
	// Listen is the address to answer at, as 127.0.0.1:9090; "" answers nobody.
	Listen string
	// Token returns what must come as a bearer token; nil lets everybody in. See [Admit].
	Token func(refused bool) string
	Store tsdb.Options
	Query promql.Options
	// Write says what is taken of what is sent; its Into, Refused and Reason are set
	// here.
	Write remotewrite.Options
	// Scrape says what is scraped; its Into and Log are set here. Pods, if it is not nil,
	// tells of pods until its context ends.
	Scrape scrape.Options
	Pods   func(ctx context.Context, to *scrape.Pods)
	// Follow says how what is kept is followed for anomalies; nil for not at all.
	Follow *FollowOptions
	// Watch says which series are judged as they come; nil for none.
	Watch *WatchOptions
	// MaxConnections are held at a time [256].
	MaxConnections int
	// Log is told what happens; nil tells nobody.
	Log *slog.Logger
}

// Keeper keeps metrics and answers for them.
type Keeper struct {
	Store    *tsdb.Store
	scraper  *scrape.Scraper // nil if nobody is scraped
	follower *Follower       // nil if nobody wants it
	watcher  *Watcher        // nil if nothing is watched
	receiver *remotewrite.Receiver
	settings Settings
	handler  http.Handler
}

// New opens the store. It listens to nothing yet. Close it.
func New(s Settings) (*Keeper, error) {
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.MaxConnections <= 0 {
		s.MaxConnections = 256
	}
	s.Store.Log, s.Query.Log, s.Write.Log = slog.New(calm{s.Log.Handler()}), s.Log, s.Log
	store, err := tsdb.Open(s.Store)
	if err != nil {
		return nil, err
	}
	k := &Keeper{Store: store, settings: s}
	if err := k.open(); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return k, nil
}

// open makes what stands around the store.
func (k *Keeper) open() (err error) {
	s, store := &k.settings, k.Store
	if s.Watch != nil && len(s.Watch.Selectors) > 0 {
		s.Watch.Log = s.Log
		if k.watcher, err = NewWatcher(*s.Watch); err != nil {
			return err
		}
	}
	s.Write.Into = k.Appendable("write", false)
	s.Write.Refused = func(reason string, n int) { store.Refuse("write", reason, n) }
	s.Write.Reason = func(err error) (string, bool) {
		word := tsdb.Reason(err)
		return word, word == "disk" || word == "storage"
	}
	if k.receiver, err = remotewrite.New(s.Write); err != nil {
		return err
	}
	if s.Pods != nil || s.Scrape.File != "" {
		s.Scrape.Into, s.Scrape.Log = k.Appendable("scrape", true), s.Store.Log
		if k.scraper, err = scrape.New(s.Scrape); err != nil {
			return err
		}
		s.Query.Targets = k.scraper.Targets
	}
	if s.Follow != nil {
		s.Follow.Log = s.Log
		k.follower = NewFollower(promql.NewAsker(store, s.Query), *s.Follow)
	}
	mux := http.NewServeMux()
	mux.Handle("/api/v1/", promql.Handler(store, s.Query))
	mux.Handle("POST /api/v1/write", k.receiver)
	for _, path := range []string{"/-/ready", "/-/healthy"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ready\n")) })
	}
	k.handler = Admit(s.Token, mux)
	return nil
}

// Appendable is where a source puts its samples, as of the store; those that are watched
// are judged on the way.
func (k *Keeper) Appendable(source string, lenient bool) storage.Appendable {
	into := k.Store.Appendable(source, lenient)
	if k.watcher == nil {
		return into
	}
	return k.watcher.tap.Before(into)
}

// Admit lets those in who have a bearer token, everybody if there is none. refused says
// that who came had another: there may be a newer one. What it takes does not tell where
// they differ.
func Admit(token func(refused bool) string, next http.Handler) http.Handler {
	if token == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(strings.TrimSpace(given)))
		is := func(token string) bool {
			want := sha256.Sum256([]byte(token))
			return subtle.ConstantTimeCompare(got[:], want[:]) == 1
		}
		if !strings.EqualFold(scheme, "Bearer") || !is(token(false)) && !is(token(true)) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "show a bearer token", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Handler answers without an address of its own.
func (k *Keeper) Handler() http.Handler { return k.handler }

// Receiver takes what is sent by remote write.
func (k *Keeper) Receiver() *remotewrite.Receiver { return k.receiver }

// Watcher judges series as they come; nil if none are watched.
func (k *Keeper) Watcher() *Watcher { return k.watcher }

// Follower follows what is kept; nil if nobody wants it.
func (k *Keeper) Follower() *Follower { return k.follower }

// Collectors are the metrics of the keeper itself.
func (k *Keeper) Collectors() []prometheus.Collector {
	out := []prometheus.Collector{k.Store}
	if k.scraper != nil {
		out = append(out, k.scraper)
	}
	if k.follower != nil {
		out = append(out, k.follower)
	}
	if k.watcher != nil {
		out = append(out, k.watcher)
	}
	return out
}

// Scrape scrapes until ctx ends.
func (k *Keeper) Scrape(ctx context.Context) {
	if k.scraper == nil {
		return
	}
	var wg sync.WaitGroup
	if k.settings.Pods != nil {
		pods := k.scraper.Pods()
		wg.Go(func() { pods.Run(ctx) })
		wg.Go(func() { k.settings.Pods(ctx, pods) })
	}
	k.scraper.Run(ctx)
	wg.Wait()
}

// Serve answers until ctx is done, and then waits a little for what is under way.
func (k *Keeper) Serve(ctx context.Context) error {
	if k.settings.Listen == "" {
		<-ctx.Done()
		return nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", k.settings.Listen)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "answer for metrics at", k.settings.Listen, err, "is the address in use?")
	}
	k.settings.Log.Info("serving", "address", l.Addr().String(), "for", "metrics-listen")
	return k.answer(ctx, l)
}

// answer answers on a listener, which it closes.
func (k *Keeper) answer(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: k.handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 2 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	stop := context.AfterFunc(ctx, func() {
		wg.Go(func() {
			grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			if server.Shutdown(grace) != nil {
				_ = server.Close() // what is still open had its time
			}
		})
	})
	defer stop()
	if err := server.Serve(bound(l, k.settings.MaxConnections)); !errors.Is(err, http.ErrServerClosed) {
		return fault.Wrap(fault.Unavailable, "answer for metrics at", l.Addr().String(), err, "")
	}
	return nil
}

// Run scrapes, follows, watches and answers until ctx is done, and closes the store then.
func (k *Keeper) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { k.Scrape(ctx) })
	if k.follower != nil {
		wg.Go(func() { k.follower.Run(ctx) })
	}
	if k.watcher != nil {
		wg.Go(func() { k.watcher.Run(ctx) })
	}
	err := k.Serve(ctx)
	cancel()
	wg.Wait()
	if k.watcher != nil { // nobody sends any more
		k.watcher.end()
	}
	return errors.Join(err, k.Close())
}

// Close closes the store. What was kept stays.
func (k *Keeper) Close() error { return k.Store.Close() }
