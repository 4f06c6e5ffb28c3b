package slo

import "time"

// with changes an objective.
func with(o Objective, change func(*Objective)) Objective {
	change(&o)
	return o
}

func ofTarget(target float64) Objective {
	return with(ofErrors(), func(o *Objective) { o.Target = target })
}

// ofSlices counts slices of five minutes, in which 99 % must be good.
func ofSlices() Objective {
	return with(ofErrors(), func(o *Objective) {
		o.Budgeting, o.Slice, o.Target = TimeSlices, Slice{5 * time.Minute, 0.99}, 0.99
	})
}

// ofGauge wants a queue to hold at most 100 messages, 99 % of the time.
func ofGauge() Objective {
	return with(ofErrors(), func(o *Objective) {
		o.Indicator = Indicator{Gauge: Query{Selector: "queue_length"}, Op: LessEqual, Value: 100}
		o.Target = 0.99
	})
}

func excluding(x ...Exclusion) Objective {
	return with(ofErrors(), func(o *Objective) { o.Exclusions = x })
}

func truthTable() []row {
	var all []row
	for _, part := range [][]row{rowsOfBurning(), rowsOfTraffic(), rowsOfCounters(), rowsOfMeasuring(), rowsOfTime()} {
		all = append(all, part...)
	}
	return all
}

func rowsOfBurning() []row {
	return []row{
		{name: "nothing ever fails", about: []string{countsOnce}, o: ofErrors(), prometheus: true, story: `
			1d 100/s`},
		{name: "errors within the budget", about: []string{countsOnce}, o: ofErrors(), prometheus: true, story: `
			1d 100/s bad 0.09%`},
		{name: "a whole outage pages in the first minute", about: []string{oneIncident}, o: ofErrors(), prometheus: true, story: `
			1d  100/s
			20m 100/s bad 100%
			12h 100/s`, events: `
			1d1m opened page-fast
			1d25m eased page-slow
			1d50m eased ticket-fast
			1d2h20m eased ticket-slow
			1d6h20m resolved ticket-slow`},
		{name: "one in a hundred fails: the slow page comes first", about: []string{oneIncident}, o: ofErrors(), prometheus: true, story: `
			1d 100/s
			8h 100/s bad 1%
			8h 100/s`, events: `
			1d2h43m opened ticket-slow
			1d3h40m escalated page-slow
			1d8h12m eased ticket-fast
			1d9h24m eased ticket-slow
			1d13h24m resolved ticket-slow`},
		{name: "twice the allowed errors make a ticket", about: []string{oneIncident, countsOnce}, o: ofErrors(), prometheus: true, story: `
			12h 100/s
			16h 100/s bad 0.2%
			8h  100/s`, events: `
			1d25m opened ticket-slow
			1d7h resolved ticket-slow`},
		{name: "exactly the allowed errors make nothing", about: []string{countsOnce}, o: ofErrors(), prometheus: true, story: `
			1d 100/s bad 0.1%`},
		{name: "a short burst of errors does not page", about: []string{oneIncident}, o: ofTarget(0.99), prometheus: true, story: `
			1d 100/s
			2m 100/s bad 100%
			4h 100/s`},
		{name: "two outages are two incidents", about: []string{oneIncident}, o: ofTarget(0.99), prometheus: true, story: `
			1d  100/s
			30m 100/s bad 100%
			12h 100/s
			30m 100/s bad 100%
			8h  100/s`, events: `
			1d9m opened page-fast
			1d35m eased page-slow
			1d59m eased ticket-slow
			1d6h27m resolved ticket-slow
			1d12h34m opened ticket-slow
			1d12h39m escalated page-fast
			1d13h5m eased page-slow
			1d13h29m eased ticket-fast
			1d14h57m eased ticket-slow
			1d18h57m resolved ticket-slow`},
		{name: "all tiers fire, one incident tells", about: []string{oneIncident}, o: ofTarget(0.95), prometheus: true, story: `
			1d 100/s
			6h 100/s bad 100%
			8h 100/s`, events: `
			1d44m opened page-fast
			1d6h2m eased page-slow
			1d6h21m eased ticket-fast
			1d7h42m eased ticket-slow
			1d11h42m resolved ticket-slow`, checks: `
			1d6h incident page-fast/page-fast`},
		{name: "a page that eases to a ticket remembers its peak", about: []string{oneIncident}, o: ofErrors(), prometheus: true, story: `
			1d  100/s
			20m 100/s bad 100%
			6h  100/s bad 0.2%`, events: `
			1d1m opened page-fast
			1d25m eased page-slow
			1d50m eased ticket-fast
			1d2h20m eased ticket-slow`, checks: `
			1d6h incident ticket-slow/page-fast`},
		{name: "a busy hour weighs more than a quiet one", about: []string{countsOnce}, o: ofErrors(), story: `
			23h 1/s   bad 0.2%
			1h  999/s bad 0%`, events: `
			1h2m opened ticket-slow
			23h1m resolved ticket-slow`, checks: `
			1d total 3679200
			1d bad   165.6
			1d spent 0.045`},
		{name: "errors in the quiet hours hardly count", about: []string{countsOnce}, o: ofTarget(0.99), story: `
			12h 100/s
			12h 1/s bad 10%`, events: `
			17h58m opened page-slow`, checks: `
			1d bad   4320
			1d spent 0.099`},
		{name: "a tier with a time to wait fires that much later", about: []string{oneIncident}, prometheus: true,
			o: with(ofErrors(), func(o *Objective) { o.Alerting.Tiers = Pyrra(o.Period.Length()) }), story: `
			1d  100/s
			20m 100/s bad 100%
			6h  100/s`, events: `
			1d4m opened page-fast
			1d26m eased page-slow
			1d52m resolved page-slow
			1d1h8m opened ticket-fast
			1d2h29m resolved ticket-fast
			1d3h15m opened ticket-slow`},
		{name: "muted tiers keep the budget", about: []string{countsOnce}, o: with(ofErrors(), func(o *Objective) { o.Alerting.Off = true }), story: `
			1d 100/s
			1h 100/s bad 100%`, checks: `
			1d1h spent 40
			1d1h incident none`},
		{name: "good events are counted as well as bad ones", about: []string{oneIncident}, o: ofGood(), prometheus: true, story: `
			1d  100/s
			20m 100/s bad 100%
			4h  100/s`, events: `
			1d1m opened page-fast
			1d25m eased page-slow
			1d50m eased ticket-fast
			1d2h20m eased ticket-slow`},
	}
}

func rowsOfTraffic() []row {
	return []row{
		{name: "no traffic from the beginning", about: []string{zeroByZero}, o: ofErrors(), prometheus: true, story: `
			1d 0/s`, checks: `
			1d state no-traffic
			1d budget unknown
			1d coverage 0
			1d blind 0s`},
		{name: "nights without traffic do not dilute the day", about: []string{zeroByZero, countsOnce}, o: ofErrors(), story: `
			12h 100/s bad 0.05%
			12h 0/s`, checks: `
			1d state no-traffic
			1d spent 0.5
			1d coverage 0.5`},
		{name: "0/0 for hours leaves no trace", about: []string{zeroByZero}, o: ofErrors(), prometheus: true, story: `
			6h 0/s
			1d 100/s
			10m 100/s bad 100%
			1h 100/s`, events: `
			1d6h1m opened page-fast
			1d6h15m eased page-slow
			1d6h40m eased ticket-fast`, checks: `
			12h known 5m true`},
		{name: "traffic that stops in an outage is no recovery", about: []string{zeroByZero, oneIncident}, o: ofErrors(), story: `
			1d  100/s
			10m 100/s bad 100%
			45m 0/s
			1h  100/s`, events: `
			1d1m opened page-fast
			1d56m eased ticket-fast`, checks: `
			1d30m state no-traffic
			1d30m verdict page-fast unknown
			1d30m incident page-fast/page-fast`},
		{name: "traffic that never comes back closes the incident at last", about: []string{zeroByZero, oneIncident}, o: ofErrors(), story: `
			1d  100/s
			10m 100/s bad 100%
			4d  0/s`, events: `
			1d1m opened page-fast
			1d1h10m eased page-slow
			1d6h10m eased ticket-fast
			2d12m eased ticket-slow
			4d12m resolved ticket-slow`, checks: `
			2d incident ticket-fast/page-fast
			5d state no-traffic`},
		{name: "a single error in a quiet hour", about: []string{fewEvents}, o: ofErrors(), story: `
			1d 6/h
			10m 6/h bad 100%
			6h 6/h`, checks: `
			1d20m incident none`},
		{name: "one request, and it fails", about: []string{fewEvents}, o: ofErrors(), story: `
			1d 0/s
			1h 1/h bad 100%
			2h 0/s`, checks: `
			1d1h  state low-traffic
			1d1h  verdict page-fast suppressed
			1d1h  spent 1000`},
		{name: "two of a hundred may be chance at three nines", about: []string{fewEvents}, o: ofTarget(0.99), story: `
			1d  100/h
			72m 100/h bad 2%
			6h  100/h`},
		{name: "half of thirty is no chance", about: []string{fewEvents}, o: ofErrors(), story: `
			1d 30/h
			2h 30/h bad 50%
			6h 30/h`, events: `
			1d10m opened page-fast
			1d2h5m eased page-slow
			1d2h30m eased ticket-fast
			1d4h eased ticket-slow
			1d8h resolved ticket-slow`},
		{name: "a whole outage at ten requests an hour is found by the longer windows", about: []string{fewEvents, oneIncident}, o: ofErrors(), story: `
			3d 10/h
			6h 10/h bad 100%
			8h 10/h`, events: `
			3d12m opened page-slow
			3d6h30m eased ticket-fast
			3d8h eased ticket-slow
			3d12h resolved ticket-slow`},
		{name: "without the demand for evidence one error pages", about: []string{fewEvents}, o: with(ofErrors(), func(o *Objective) { o.Alerting.Evidence = Evidence{} }), story: `
			1d 12/h
			5m 12/h bad 100%
			2h 12/h`, events: `
			1d5m opened page-fast
			1d10m eased page-slow
			1d35m eased ticket-fast
			1d2h5m eased ticket-slow`},
		{name: "an incident does not end because the traffic thins out", about: []string{fewEvents, oneIncident}, o: ofErrors(), story: `
			1d  100/s
			10m 100/s bad 100%
			3h  6/h bad 100%`, events: `
			1d1m opened page-fast`, checks: `
			1d2h verdict page-fast suppressed
			1d2h incident page-fast/page-fast`},
		{name: "much traffic needs no patience", about: []string{fewEvents}, o: ofErrors(), prometheus: true, story: `
			1d 1000/s
			1h 1000/s bad 2%
			1h 1000/s`, events: `
			1d44m opened page-fast
			1d1h2m resolved page-fast`},
		{name: "less than twenty events are too few for any tier", about: []string{fewEvents}, o: ofErrors(), story: `
			6h 1/h`, checks: `
			5h30m state no-traffic
			6h    state low-traffic`},
	}
}
