package ledger_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
	"github.com/autoecoops/autoecoops/prove/ledger"
	"github.com/autoecoops/autoecoops/prove/ledger/ledgertest"
)

// full is an entry with every member.
func full() *ledger.Entry {
	ref := ops.Target{Ref: ops.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"}, UID: "u-1"}
	return &ledger.Entry{
		Record: ops.Record{
			Time: time.Date(2026, 11, 25, 1, 2, 3, 4000, time.UTC), Source: "aeod", Sequence: 7, Key: "k/1",
			Actor: ops.Actor{Kind: ops.ActorPerson, Name: "person-1"}, Action: "deliver.apply", Phase: ops.PhaseOutcome,
			Target: ref, Before: "sha256:0", After: "sha256:1", Decision: &ops.Decision{Verdict: "allow", Policy: "p", Reason: "r"},
			TraceID: "ab", Controls: []string{"soc2:CC8.1", "b"}, Details: map[string]string{"z": "1", "a": "", "é": "\"\\\b\t\n\f\r\x01\x1f\u2028🚀"},
			Effects: []ops.Effect{{Target: ref, Before: "x", After: "y", Result: "failed", Message: "m"}, {}},
		},
		Subject: "person-1", Commitment: "sha256:2",
	}
}

const fullText = `{"action":"deliver.apply","actor":{"kind":"person","name":"person-1"},"after":"sha256:1","before":"sha256:0",` +
	`"controls":["soc2:CC8.1","b"],"decision":{"policy":"p","reason":"r","verdict":"allow"},` +
	`"details":{"a":"","z":"1","é":"\"\\\b\t\n\f\r\u0001\u001f` + "\u2028🚀" + `"},` +
	`"effects":[{"after":"y","before":"x","message":"m","result":"failed","target":{"apiVersion":"apps/v1","kind":"Deployment","name":"web","namespace":"shop","uid":"u-1"}},{"target":{}}],` +
	`"key":"k/1","personal":{"commitment":"sha256:2","subject":"person-1"},"phase":"outcome","sequence":7,"source":"aeod",` +
	`"target":{"apiVersion":"apps/v1","kind":"Deployment","name":"web","namespace":"shop","uid":"u-1"},"time":"2026-11-25T01:02:03.000004Z","traceId":"ab","v":1}`

const leastText = `{"action":"a","actor":{"kind":"operator","name":"n"},"key":"k","phase":"event","sequence":1,"source":"s","time":"2026-11-25T01:02:03.000000Z","v":1}`

func TestEntry(t *testing.T) {
	body, err := full().Encode()
	if err != nil || string(body) != fullText {
		t.Errorf("%v\n%s\nwant\n%s", err, body, fullText)
	}
	back, err := ledger.Decode(body)
	if err != nil || !reflect.DeepEqual(back, full()) {
		t.Errorf("%v: %+v", err, back)
	}
	if _, err := ledger.Decode([]byte(leastText)); err != nil {
		t.Error(err)
	}
	var any map[string]any
	if err := json.Unmarshal(body, &any); err != nil {
		t.Errorf("others cannot read it: %v", err)
	}
}

// TestNotCanonical gives Decode what says the same in another form, and what
// says nothing.
func TestNotCanonical(t *testing.T) {
	for name, change := range map[string][2]string{
		"a space":               {`"v":1`, `"v": 1`},
		"a line feed behind":    {`"v":1}`, "\"v\":1}\n"},
		"a member twice":        {`"phase":`, `"phase":"event","phase":`},
		"members out of order":  {`"phase":"event","sequence":1`, `"sequence":1,"phase":"event"`},
		"an unknown member":     {`"v":1`, `"u":1,"v":1`},
		"another case":          {`"phase"`, `"Phase"`},
		"an escaped letter":     {`"a","actor"`, `"\u0061","actor"`},
		"an escaped slash":      {`"key":"k"`, `"key":"\/"`},
		"upper-case escapes":    {`"name":"n"`, `"name":"\u001F"`},
		"a long escape":         {`"name":"n"`, `"name":"\u000a"`},
		"a raw control":         {`"name":"n"`, "\"name\":\"\x01\""},
		"a raw control, late":   {`"name":"n"`, "\"name\":\"\\n\x01\""},
		"no UTF-8":              {`"name":"n"`, "\"name\":\"\xff\""},
		"no UTF-8, late":        {`"name":"n"`, "\"name\":\"\\n\xff\""},
		"a surrogate":           {`"name":"n"`, `"name":"\ud800"`},
		"an empty member":       {`"key":"k",`, `"before":"","key":"k",`},
		"an empty key":          {`"key":"k"`, `"key":""`},
		"an empty list":         {`"key":"k"`, `"controls":[],"key":"k"`},
		"an empty map":          {`"key":"k"`, `"details":{},"key":"k"`},
		"an empty target":       {`"time"`, `"target":{},"time"`},
		"an empty commitment":   {`"phase"`, `"personal":{"subject":"x"},"phase"`},
		"a subject, no data":    {`"phase"`, `"personal":{},"phase"`},
		"an effect, no target":  {`"key"`, `"effects":[{"after":"x"}],"key"`},
		"a decimal":             {`"sequence":1`, `"sequence":1.0`},
		"an exponent":           {`"sequence":1`, `"sequence":1e0`},
		"a leading zero":        {`"sequence":1`, `"sequence":01`},
		"a sign":                {`"sequence":1`, `"sequence":-1`},
		"zero":                  {`"sequence":1`, `"sequence":0`},
		"a large number":        {`"sequence":1`, `"sequence":9007199254740992`},
		"a huge number":         {`"sequence":1`, `"sequence":99999999999999999999999999`},
		"a number as text":      {`"sequence":1`, `"sequence":"1"`},
		"null":                  {`"key":"k"`, `"decision":null,"key":"k"`},
		"another version":       {`"v":1`, `"v":2`},
		"no version":            {`,"v":1`, ``},
		"no time":               {`"time":"2026-11-25T01:02:03.000000Z",`, ``},
		"a zone":                {`000000Z`, `000000+00:00`},
		"a comma in the time":   {`03.000000Z`, `03,000000Z`},
		"fewer digits":          {`000000Z`, `000Z`},
		"a day that is none":    {`11-25T`, `11-31T`},
		"the year 0":            {`2026-`, `0000-`},
		"no actor":              {`"actor":{"kind":"operator","name":"n"},`, ``},
		"an actor without name": {`,"name":"n"}`, `}`},
		"no source":             {`"source":"s",`, ``},
		"no action":             {`"action":"a",`, ``},
		"a phase of its own":    {`"phase":"event"`, `"phase":"other"`},
		"a key of two lines":    {`"key":"k"`, `"key":"a\nb"`},
		"a trailing comma":      {`"v":1}`, `"v":1,}`},
		"a leading comma":       {`{"action"`, `{,"action"`},
		"no end":                {`"v":1}`, `"v":1`},
		"a string without end":  {`"v":1}`, `"v`},
		"an escape without end": {`"v":1}`, `"v\`},
		"a short escape":        {`"v":1}`, `"v\u00`},
		"a list":                {leastText, `[` + leastText + `]`},
		"nothing":               {leastText, ``},
		"two":                   {leastText, leastText + leastText},
		"a BOM":                 {leastText, "\ufeff" + leastText},
		"too much":              {leastText, leastText + strings.Repeat(" ", ledger.MaxEntry)},
		"deep":                  {`"key"`, `"effects":` + strings.Repeat(`[`, 9999) + `,"key"`},
	} {
		text := strings.Replace(leastText, change[0], change[1], 1)
		if text == leastText {
			t.Fatalf("%s changes nothing", name)
		}
		if e, err := ledger.Decode([]byte(text)); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(fullText))
	f.Add([]byte(leastText))
	rng := rand.New(rand.NewPCG(1, 1))
	for _, r := range ledgertest.History(rng, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 20) {
		r.Sequence = 1
		if body, err := (&ledger.Entry{Record: r}).Encode(); err == nil {
			f.Add(body)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := ledger.Decode(body)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("%v", err)
			}
			return
		}
		again, err := e.Encode()
		if err != nil || !bytes.Equal(again, body) {
			t.Errorf("%q is read and written as %q, %v", body, again, err)
		}
		// Any other reader finds the same members.
		var one map[string]any
		if err := json.Unmarshal(body, &one); err != nil {
			t.Errorf("%q is no JSON: %v", body, err)
		} else if one["action"] != e.Action || one["key"] != e.Key {
			t.Errorf("%q is read otherwise by others: %v", body, one)
		}
	})
}

// TestChangedBytes changes each byte of an entry: what is still an entry is
// read as it is written.
func TestChangedBytes(t *testing.T) {
	read := 0
	for i := range len(fullText) {
		for _, c := range []byte{0, ' ', '"', '\\', 'a', '{', '}', ',', '1', 0xff} {
			body := []byte(fullText)
			body[i] = c
			e, err := ledger.Decode(body)
			if err != nil {
				continue
			}
			read++
			if again, err := e.Encode(); err != nil || !bytes.Equal(again, body) {
				t.Errorf("byte %d as %q: %q", i, c, again)
			}
		}
	}
	if read == 0 {
		t.Error("no changed entry could be read: this test sees nothing")
	}
}

func TestUTF16Order(t *testing.T) {
	words := []string{"", "a", "b", "ab", "é", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\ufffd", "\U00010000", "\U0010ffff", "a\U00010000", "a\uffff", "\U00010000a"}
	for _, a := range words {
		for _, b := range words {
			want := slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
			if got := ledger.CompareUTF(a, b); got != want {
				t.Errorf("%q and %q: %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestTooLong(t *testing.T) {
	e := full()
	e.Details = map[string]string{"x": strings.Repeat("y", ledger.MaxEntry)}
	_, err := e.Encode()
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "65535") {
		t.Errorf("%v", err)
	}
}
