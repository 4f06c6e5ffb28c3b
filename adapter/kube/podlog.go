package kube

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/autoecoops/autoecoops/fault"
)

// LogOptions say which container's log is read and how.
type LogOptions struct {
	Namespace, Pod string
	// Container may be "" if the pod has one only.
	Container string
	// Since is the moment of the first line that is wanted; zero for all that
	// the node has kept.
	Since time.Time
	// Once ends at the end of what there is now; else new lines are waited for.
	Once bool
	// Previous reads the container that ran before the last restart. It implies
	// Once.
	Previous bool
	// MaxLine is how many bytes of a line are kept; 0 means 64 KiB.
	MaxLine int
	// Trouble is told of what is tried again, and once, until a line comes again, of
	// words that are no line of a container; may be nil.
	Trouble func(error)
	// Odd is told of each of those words, may be nil.
	Odd func()
	// Pause waits before the next try; nil waits by the clock.
	Pause func(ctx context.Context, d time.Duration)
	// Idle is how long a connection may bring nothing before it is made anew; 0 means
	// a minute. Kubelets that turned a log over go on with the old file, and say
	// nothing more.
	Idle time.Duration
}

// LogLine is a line of a container.
type LogLine struct {
	// At is when the container's runtime took it.
	At time.Time
	// Text is valid until the next line only.
	Text []byte
	// Cut is set if it was longer than LogOptions.MaxLine.
	Cut bool
}

// LogRead counts what was read.
type LogRead struct {
	Lines uint64
	// Cut lines were too long.
	Cut uint64
	// Again is the number of lines that came a second time after a connection
	// ended, and were left out.
	Again uint64
	// Odd lines don't tell when they were written: they are the node's own
	// words, and are left out.
	Odd uint64
	// Connections is how often the log was asked for.
	Connections uint64
	// Last is when the last line was written.
	Last time.Time
}

const (
	longLine = 64 << 10
	// firstWait and longestWait bound the wait between connections.
	firstWait, longestWait = 200 * time.Millisecond, 30 * time.Second
	// firstIdle is LogOptions.Idle as a rule; it doubles up to longestIdle while
	// nothing comes.
	firstIdle, longestIdle = time.Minute, 16 * time.Minute
	// maxRecent bounds the lines of two seconds that are told apart after a
	// connection ended.
	maxRecent = 200_000
)

// Logs reads the log of a container and hands each line to use, once, also
// where connections end and are made anew. It ends without an error when ctx
// ends, or when all is read where that was wanted; with one when use has one,
// when the pod is not there, or when it may not be read. All else is tried
// again.
func (c *Client) Logs(ctx context.Context, o LogOptions, use func(LogLine) error) (LogRead, error) {
	if o.Namespace == "" || o.Pod == "" {
		return LogRead{}, fault.New(fault.Invalid, "read the log of", o.Namespace+"/"+o.Pod, "the pod is not named", "give its namespace and name")
	}
	if o.MaxLine <= 0 {
		o.MaxLine = longLine
	}
	if o.Pause == nil {
		o.Pause = pause
	}
	if o.Idle <= 0 {
		o.Idle = firstIdle
	}
	o.Once = o.Once || o.Previous
	l := &podLog{client: c, LogOptions: o, use: use, seed: maphash.MakeSeed(), idle: o.Idle}
	wait := firstWait
	for {
		before, began := l.read.Lines, time.Now()
		err := l.connect(ctx)
		switch {
		case ctx.Err() != nil && l.failed == nil:
			return l.read, nil
		case l.failed != nil:
			return l.read, l.failed
		case o.Once && err == nil:
			return l.read, nil
		case err != nil && !passing(err):
			return l.read, l.blame(err)
		case err != nil && o.Trouble != nil:
			o.Trouble(l.blame(err))
		}
		switch {
		case l.read.Lines == before:
			l.idle = min(2*l.idle, max(longestIdle, o.Idle))
		case time.Since(began) >= lasting:
			wait, l.idle = firstWait, o.Idle
		default:
			// A log that ends at once has lines each time where a container is started
			// again and again, or a server breaks each connection off.
			wait, l.idle = min(wait, shortest), o.Idle
		}
		o.Pause(ctx, wait)
		wait = min(2*wait, longestWait)
	}
}

// podLog is the state of reading a log.
type podLog struct {
	LogOptions
	client *Client
	use    func(LogLine) error
	failed error // what use said
	read   LogRead
	// recent are the lines of the last two seconds that were handed out, by
	// their hash: the API server is asked for whole seconds, and sends these
	// again. Lines are not strictly in order, as those of standard output and of
	// standard error are taken one beside the other.
	// A line that was stamped more than a second earlier than the one ahead of it
	// can be lost where a connection ends between the two.
	recent map[uint64]*sighting
	second int64
	asked  int64 // the second that this connection was asked from
	seed   maphash.Seed
	// turn numbers connections.
	turn uint32
	// idle is how long this connection may bring nothing.
	idle time.Duration
	// saidOdd says that Trouble was told of odd words since the last line.
	saidOdd bool
}

// sighting is how often a line was handed out, and how often it came in the
// connection of a turn.
type sighting struct {
	second int64
	given  uint32
	came   uint32
	turn   uint32
}

// since is the moment to ask from.
func (l *podLog) since() time.Time {
	if l.read.Last.IsZero() {
		return l.Since
	}
	return time.Unix(l.second-1, 0)
}

// connect asks for the log and reads it to its end.
func (l *podLog) connect(ctx context.Context) error {
	query := url.Values{"timestamps": {"true"}, "follow": {strconv.FormatBool(!l.Once)}}
	if l.Container != "" {
		query.Set("container", l.Container)
	}
	if l.Previous {
		query.Set("previous", "true")
	}
	if since := l.since(); !since.IsZero() {
		query.Set("sinceTime", since.UTC().Format(time.RFC3339))
		l.asked = since.Unix()
	}
	l.read.Connections++
	l.turn++
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	body, err := l.client.stream(ctx, request{
		verb: http.MethodGet, path: "/api/v1/namespaces/" + url.PathEscape(l.Namespace) + "/pods/" + url.PathEscape(l.Pod) + "/log", query: query,
	})
	if err != nil {
		return err
	}
	defer body.Close()
	var silent atomic.Bool
	idle := l.idle
	if l.Once {
		idle = math.MaxInt64 // what is read to its end takes the time that it takes
	}
	alarm := time.AfterFunc(idle, func() { silent.Store(true); cancel() })
	defer alarm.Stop()
	r := bufio.NewReaderSize(body, 32<<10)
	line := make([]byte, 0, 4<<10)
	for {
		line = line[:0]
		cut := false
		for {
			part, err := r.ReadSlice('\n')
			if err != nil && silent.Load() {
				return nil // nothing came for long: it is asked for anew
			}
			alarm.Reset(idle)
			if room := l.MaxLine + stampSize - len(line); len(part) > room {
				cut = cut || len(bytes.TrimRight(part, "\n")) > room
				line = append(line, part[:max(room, 0)]...)
			} else {
				line = append(line, part...)
			}
			if err == bufio.ErrBufferFull {
				continue
			}
			if err != nil {
				// A line without an end: the connection was cut in it, and it
				// comes whole the next time. Where there is none, it is the last.
				if err == io.EOF {
					err = nil
				}
				if l.Once && err == nil && len(line) > 0 {
					return l.take(line, cut)
				}
				return err
			}
			break
		}
		if err := l.take(line, cut); err != nil {
			return err
		}
	}
}

// stampSize is the most that a moment before a line needs.
const stampSize = len("2006-01-02T15:04:05.999999999-07:00 ")

// take hands a line out, if it was not before.
func (l *podLog) take(line []byte, cut bool) error {
	line = bytes.TrimRight(line, "\r\n")
	stamp, text, _ := bytes.Cut(line, []byte(" "))
	at, err := time.Parse(time.RFC3339Nano, string(stamp))
	if err != nil || at.Unix() < firstSecond || at.Unix() > lastSecond {
		l.odd(line)
		return nil
	}
	l.saidOdd = false
	if len(text) > l.MaxLine {
		text, cut = text[:l.MaxLine], true
	}
	if at.Before(l.Since) {
		return nil // of the same second
	}
	if l.known(line, at.Unix()) {
		l.read.Again++
		return nil
	}
	l.read.Lines++
	if cut {
		l.read.Cut++
	}
	if at.After(l.read.Last) {
		l.read.Last = at
	}
	if err := l.use(LogLine{at, text, cut}); err != nil {
		l.failed = err
		return err
	}
	return nil
}

// odd counts words that are no line of a container: the node's own, which has no log to
// give, or those of something that is no API server.
func (l *podLog) odd(words []byte) {
	l.read.Odd++
	if l.LogOptions.Odd != nil {
		l.LogOptions.Odd()
	}
	if l.Trouble == nil || l.saidOdd || len(words) == 0 {
		return
	}
	l.saidOdd = true
	words = words[:min(len(words), maxOdd)]
	l.Trouble(fault.New(fault.Unavailable, "read the log of", l.subject(), fmt.Sprintf("what came has no moments before its lines: %q", strings.ToValidUTF8(string(words), "")), "if these are no words of the node, is that address a Kubernetes API server?"))
}

// firstSecond and lastSecond are those of the years 1970 and 2261: what is said to have been
// written before or after has no moment that could be true, and none in nanoseconds.
const firstSecond, lastSecond = 0, 9_214_646_399

// maxOdd is how many bytes of odd words are told.
const maxOdd = 200

// known tells whether a line was handed out by an earlier connection, and
// remembers it if not.
func (l *podLog) known(line []byte, second int64) bool {
	if second > l.second {
		l.second = second
		for h, s := range l.recent {
			if s.second < second-1 {
				delete(l.recent, h)
			}
		}
	}
	if second < l.second-1 {
		// Before what is remembered. Lines that were read stand before the new
		// ones: those that come this late are new, if they were asked for.
		return l.turn > 1 && second < l.asked
	}
	if l.recent == nil {
		l.recent = map[uint64]*sighting{}
	}
	h := maphash.Bytes(l.seed, line)
	s := l.recent[h]
	if s == nil {
		if len(l.recent) >= maxRecent {
			return false // rather twice than never
		}
		l.recent[h] = &sighting{second, 1, 1, l.turn}
		return false
	}
	if s.turn != l.turn {
		s.turn, s.came = l.turn, 0
	}
	if s.came++; s.came <= s.given {
		return true
	}
	s.given++
	return false
}

// passing tells whether an error may be gone at the next try.
func passing(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return true
	}
	s := status.Status()
	switch {
	case s.Code == http.StatusBadRequest:
		// The container is not there yet.
		return strings.Contains(s.Message, "waiting to start") || strings.Contains(s.Message, "ContainerCreating") || strings.Contains(s.Message, "PodInitializing")
	case s.Code == http.StatusTooManyRequests:
		return true
	}
	return s.Code >= 500
}

func (l *podLog) subject() string {
	subject := l.Namespace + "/" + l.Pod
	if l.Container != "" {
		subject += "/" + l.Container
	}
	return subject
}

func (l *podLog) blame(err error) error {
	err = classify(err, "read the log of", l.subject(), false)
	if f, ok := errors.AsType[*fault.Error](err); ok {
		switch f.Kind {
		case fault.Denied:
			f.Hint = "allow get on pods/log"
		case fault.Invalid:
			f.Hint = "name one of the pod's containers"
		}
	}
	return err
}
