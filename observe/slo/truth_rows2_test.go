package slo

import "time"

func rowsOfCounters() []row {
	return []row{
		{name: "a restart is no fall of the counter", about: []string{realCounter}, o: ofErrors(), prometheus: true, story: `
			12h 100/s bad 0.05%
			12h 100/s bad 0.05% restart`, checks: `
			1d total 8634000
			1d spent 0.5`},
		{name: "a restart every ten minutes", about: []string{realCounter}, o: ofErrors(), prometheus: true, story: `
			2h  100/s bad 0.05%
			10m 100/s bad 0.05% restart
			10m 100/s bad 0.05% restart
			10m 100/s bad 0.05% restart
			10m 100/s bad 0.05% restart
			10m 100/s bad 0.05% restart
			10m 100/s bad 0.05% restart`, checks: `
			3h spent 0.5
			3h state measured`},
		{name: "a restart in an outage does not hide it", about: []string{realCounter}, o: ofErrors(), prometheus: true, story: `
			1d  100/s
			10m 100/s bad 100%
			10m 100/s bad 100% restart
			2h  100/s`, events: `
			1d1m opened page-fast
			1d25m eased page-slow
			1d50m eased ticket-fast
			1d2h20m eased ticket-slow`},
		{name: "a restart that is faster than the sampling is told by the created timestamp", about: []string{realCounter}, o: ofErrors(), story: `
			2m  1/s created
			1m  0/s created
			2m  100/s created restart`, checks: `
			5m total 12120`},
		{name: "a new counter counts from when it was created", about: []string{realCounter}, o: ofErrors(), story: `
			1m 100/s created`, checks: `
			1m total 6000`},
		{name: "a counter found late brings nothing old along", about: []string{realCounter}, o: ofErrors(), story: `
			1h  100/s silent
			10m 100/s`, events: `
			1m froze
			10m blind
			1h1m thawed
			1h3m blind-cleared`, checks: `
			70m total 54000`},
		{name: "one lost sample is bridged", about: []string{realCounter}, o: ofErrors(), prometheus: true, story: `
			6h 100/s bad 0.05%
			1m 100/s bad 0.05% lost
			1h 100/s bad 0.05%`, checks: `
			6h2m total 2166000
			6h2m state measured
			6h2m coverage 0.997`},
		{name: "what happened in a gap counts, but covers nothing", about: []string{realCounter, blindness}, o: ofErrors(), story: `
			6h 100/s bad 0.05%
			5m 100/s bad 0.05% lost
			1h 100/s bad 0.05%`, events: `
			6h3m froze
			6h6m thawed`, checks: `
			6h6m total 2190000
			6h6m blind 6m
			6h6m spent 0.5`},
		{name: "errors of a long gap do not look as if they were new", about: []string{realCounter, blindness}, o: ofTarget(0.99), story: `
			1d 100/s
			8h 100/s bad 3% lost
			2h 100/s`, events: `
			1d3m froze
			1d10m blind
			1d8h1m thawed
			1d8h3m blind-cleared`, checks: `
			1d8h1m burn 5m 2.994
			1d8h1m spent 0.75`},
		{name: "a reset in a gap counts what is proven", about: []string{realCounter}, o: ofErrors(), story: `
			1h  100/s
			10m 100/s lost
			10m 100/s lost restart
			1m  100/s`, events: `
			1h3m froze
			1h10m blind
			1h21m thawed`, checks: `
			81m total 420000`},
		{name: "samples that come twice count once", about: []string{realCounter}, o: ofErrors(), story: `
			1h 100/s bad 0.05% late`, checks: `
			1h total 354000
			1h rejected late 118`},
		{name: "three pods are summed after their increase is taken", about: []string{realCounter, countsOnce}, o: ofErrors(), prometheus: true, story: `
			1d  90/s bad 0.05% pods 3
			10m 90/s bad 100% pods 3
			1h  90/s pods 3`, events: `
			1d1m opened page-fast
			1d15m eased page-slow
			1d40m eased ticket-fast`},
		{name: "pods that come with a rollout count at once", about: []string{realCounter}, o: ofErrors(), story: `
			1h  90/s pods 1
			10m 90/s pods 3`, checks: `
			70m total 372600`},
		{name: "an infinite value is no count", about: []string{realCounter, zeroByZero}, o: ofErrors(), story: `
			1h 100/s
			1m 100/s inf
			1h 100/s`, checks: `
			2h1m total 720000
			2h1m rejected nan 2`},
		{name: "a negative counter is no count", about: []string{realCounter}, o: ofErrors(), story: `
			1h 100/s
			1m 100/s negative
			1h 100/s`, checks: `
			2h1m total 720000
			2h1m rejected negative 2`},
		{name: "NaN for a minute changes nothing", about: []string{zeroByZero, realCounter}, o: ofErrors(), story: `
			1h 100/s bad 0.05%
			1m 100/s bad 0.05% nan
			1h 100/s bad 0.05%`, checks: `
			2h1m spent 0.5
			2h1m total 720000`},
		{name: "NaN for an hour is blindness, not health", about: []string{zeroByZero, blindness}, o: ofErrors(), story: `
			6h 100/s
			1h 100/s nan
			1h 100/s`, events: `
			6h3m froze
			6h10m blind
			7h1m thawed
			7h3m blind-cleared`, checks: `
			6h5m state unmeasured
			7h   state blind
			7h   alarm blind true
			8h   state measured`},
	}
}

func rowsOfMeasuring() []row {
	return []row{
		{name: "no error series means no errors", about: []string{missing}, o: ofErrors(), prometheus: true, story: `
			1d 100/s noerrors`, checks: `
			1d state measured
			1d spent 0
			1d budget known`},
		{name: "an error series that appears counts from its first value", about: []string{missing, realCounter}, o: ofErrors(), story: `
			1d 100/s noerrors
			5m 100/s bad 10%`, checks: `
			1d5m bad 3000`},
		{name: "an outage whose error series is new pages", about: []string{missing, oneIncident}, o: ofErrors(), prometheus: true, story: `
			1d  100/s noerrors
			20m 100/s bad 100%
			6h  100/s`, events: `
			1d1m opened page-fast
			1d25m eased page-slow
			1d50m eased ticket-fast
			1d2h20m eased ticket-slow
			1d6h20m resolved ticket-slow`},
		{name: "no series at all, ever", about: []string{missing, noFlapping}, o: ofErrors(), story: `
			1h 0/s absent`, events: `
			1m froze
			3m absent`, checks: `
			1m state unmeasured
			3m state absent
			1h alarm absent true
			1h budget unknown
			1h alarm blind false`},
		{name: "errors without a total say nothing", about: []string{missing}, o: ofErrors(), story: `
			1h 100/s
			1h 100/s bad 100% nototal`, events: `
			1h3m froze
			1h3m absent`, checks: `
			1h30m state absent
			2h bad 0
			2h incident none`},
		{name: "series that vanish are absent, and then an alert", about: []string{missing, noFlapping}, o: ofErrors(), story: `
			6h 100/s
			1h 0/s absent
			1h 100/s`, events: `
			6h3m froze
			6h3m absent
			7h1m thawed
			7h3m absent-cleared`, checks: `
			6h3m state absent
			6h10m alarm absent true
			8h   state measured`},
		{name: "a short absence tells nobody", about: []string{noFlapping, missing}, o: ofErrors(), story: `
			6h 100/s
			2m 0/s absent
			1h 100/s`},
		{name: "series that come and go raise one alert", about: []string{noFlapping}, o: ofErrors(), story: `
			6h 100/s
			10m 0/s absent
			1m 100/s
			5m 0/s absent
			1m 100/s
			5m 0/s absent
			1h 100/s`, events: `
			6h3m froze
			6h3m absent
			6h11m thawed
			6h14m froze
			6h17m thawed
			6h20m froze
			6h23m thawed
			6h25m absent-cleared`},
		{name: "at a lower target absence takes as long as an outage would", about: []string{noFlapping}, o: ofTarget(0.95), story: `
			6h 100/s
			2h 0/s absent`, events: `
			6h3m froze
			6h46m absent`},
		{name: "absence freezes an incident", about: []string{missing, blindness}, o: ofErrors(), story: `
			1d  100/s
			10m 100/s bad 100%
			1h  0/s absent
			1h  100/s`, events: `
			1d1m opened page-fast
			1d13m froze
			1d13m absent
			1d1h11m thawed
			1d1h11m eased ticket-fast
			1d1h13m absent-cleared
			1d2h10m eased ticket-slow`, checks: `
			1d1h incident page-fast/page-fast`},
		{name: "more good events than events", about: []string{impossible}, o: ofGood(), story: `
			6h 100/s
			30m 100/s good x1.5
			1h 100/s`, events: `
			6h1m froze
			6h1m invalid
			6h34m thawed
			6h34m invalid-cleared`, checks: `
			6h10m state invalid
			6h10m alarm invalid true
			7h bad 0
			7h state measured`},
		{name: "good and bad queries swapped in the middle of an outage freeze it", about: []string{impossible, blindness}, o: ofGood(), story: `
			1d  100/s
			10m 100/s bad 50%
			20m 100/s good x1.2
			1h  100/s`, events: `
			1d2m opened page-fast
			1d13m froze
			1d13m invalid
			1d34m thawed
			1d34m invalid-cleared
			1d34m eased page-slow
			1d40m eased ticket-fast`, checks: `
			1d20m state invalid
			1d20m incident page-fast/page-fast`},
		{name: "invalid time is not charged, and counted as blind", about: []string{impossible, blindness}, o: ofGood(), story: `
			6h  100/s
			30m 100/s good x2`, events: `
			6h1m froze
			6h1m invalid`, checks: `
			6h30m blind 30m
			6h30m total 2154000`},
		{name: "one good event too many is no alarm", about: []string{impossible}, o: ofGood(), story: `
			6h  100/s good x1.0001
			1h  100/s`, checks: `
			6h state measured
			7h bad 0`},
		{name: "more bad events than events", about: []string{impossible}, o: with(ofErrors(), func(o *Objective) {}), story: `
			1h  100/s
			10m 100/s bad 150%
			1h  100/s`, events: `
			1h1m froze
			1h1m invalid
			1h12m thawed
			1h12m invalid-cleared`, checks: `
			1h5m state invalid`},
		{name: "a source that is down for two minutes", about: []string{blindness}, o: ofErrors(), story: `
			6h 100/s
			2m 100/s lost
			1h 100/s`, checks: `
			6h2m state measured`},
		{name: "a source that is down for an hour", about: []string{blindness}, o: ofErrors(), story: `
			6h 100/s
			1h 100/s lost
			1h 100/s`, events: `
			6h3m froze
			6h10m blind
			7h1m thawed
			7h3m blind-cleared`, checks: `
			6h3m state unmeasured
			6h30m state blind
			6h30m blind 30m
			8h alarm blind false`},
		{name: "nobody asks for an hour", about: []string{blindness}, o: ofErrors(), story: `
			6h 100/s
			1h 100/s silent
			1h 100/s`, events: `
			6h3m froze
			6h10m blind
			7h1m thawed
			7h3m blind-cleared`, checks: `
			6h30m state blind`},
		{name: "blindness neither resolves nor fires", about: []string{blindness, oneIncident}, o: ofErrors(), story: `
			1d  100/s
			10m 100/s bad 100%
			2h  100/s lost
			2h  100/s`, events: `
			1d1m opened page-fast
			1d13m froze
			1d20m blind
			1d2h11m thawed
			1d2h11m eased ticket-slow
			1d2h13m blind-cleared`, checks: `
			1d2h incident page-fast/page-fast`},
		{name: "an outage that begins in the dark pages when the light is on again", about: []string{blindness}, o: ofErrors(), story: `
			1d  100/s
			30m 100/s bad 100% lost
			10m 100/s bad 100%`, events: `
			1d3m froze
			1d10m blind
			1d31m thawed
			1d31m opened page-fast
			1d33m blind-cleared`},
		{name: "blind from the beginning", about: []string{blindness}, o: ofErrors(), story: `
			1h 100/s lost`, events: `
			1m froze
			10m blind`, checks: `
			5m state unmeasured
			1h state blind
			1h budget unknown`},
		{name: "frozen counters that never move are no traffic", about: []string{zeroByZero}, o: ofErrors(), story: `
			1h 100/s
			1h 0/s`, checks: `
			2h state no-traffic
			2h alarm blind false`},
	}
}

func rowsOfTime() []row {
	at := func(h time.Duration) time.Time { return epoch.Add(h) }
	window := Exclusion{Name: "upgrade", Start: at(24 * time.Hour), End: at(26 * time.Hour)}
	nightly := Exclusion{Name: "night", Weekly: &Weekly{Days: []time.Weekday{1, 2, 3, 4, 5}, At: 22 * time.Hour, For: 8 * time.Hour}}
	return []row{
		{name: "an outage in maintenance", about: []string{maintenance}, o: excluding(window), story: `
			1d 100/s
			2h 100/s bad 100%
			6h 100/s`, events: `
			1d froze
			1d2h thawed`, checks: `
			1d1h state maintenance
			1d8h spent 0
			1d8h total 10788000
			1d8h ledger upgrade bad 720000
			1d8h ledger upgrade minutes 120`},
		{name: "an outage that outlasts maintenance", about: []string{maintenance, oneIncident}, o: excluding(window), story: `
			1d     100/s
			2h10m  100/s bad 100%
			1h     100/s`, events: `
			1d froze
			1d2h thawed
			1d2h1m opened page-fast
			1d2h15m eased page-slow
			1d2h40m eased ticket-fast`, checks: `
			1d3h bad 60000`},
		{name: "an incident that maintenance interrupts", about: []string{maintenance}, o: excluding(window), story: `
			23h50m 100/s
			10m    100/s bad 100%
			2h     100/s
			3h     100/s`, events: `
			23h51m opened page-fast
			1d froze
			1d2h thawed
			1d2h eased page-slow
			1d2h1m eased ticket-slow`, checks: `
			1d1h incident page-fast/page-fast`},
		{name: "the service is down in maintenance", about: []string{maintenance, blindness}, o: excluding(window), story: `
			1d 100/s
			2h 0/s absent
			1h 100/s`, events: `
			1d froze
			1d2h1m thawed`, checks: `
			1d1h alarm absent false
			1d3h ledger upgrade minutes 120
			1d3h blind 0s`},
		{name: "nights are excluded, weekends are not", about: []string{maintenance}, o: excluding(nightly), story: `
			6d 1/s bad 0.05%`, events: `
			22h froze
			1d6h thawed
			1d22h froze
			2d6h thawed
			2d22h froze
			3d6h thawed
			3d22h froze
			4d6h thawed
			4d22h froze
			5d6h thawed`, checks: `
			1d  total 79140
			23h state maintenance
			4d23h state maintenance
			5d23h state measured
			6d ledger night total 144000`},
		{name: "one bad slice of a day's 288", about: []string{countsOnce}, o: ofSlices(), story: `
			12h 100/s
			5m  100/s bad 2%
			12h 100/s`, checks: `
			1d total 288
			1d bad 1
			1d spent 0.347`},
		{name: "a slice is bad as a whole, however many fail in it", about: []string{countsOnce, oneIncident}, o: ofSlices(), prometheus: true, story: `
			1d  100/s
			1h  100/s bad 50%
			10h 100/s`, events: `
			1d10m opened page-fast
			1d1h5m eased page-slow
			1d1h29m eased ticket-fast
			1d2h57m eased ticket-slow
			1d6h57m resolved ticket-slow`, checks: `
			1d1h bad 12`},
		{name: "slices without events are no slices", about: []string{zeroByZero}, o: ofSlices(), story: `
			6h 100/s
			6h 0/s`, checks: `
			12h total 72
			12h spent 0`},
		{name: "slices of a gap are not guessed", about: []string{realCounter}, o: ofSlices(), story: `
			6h 100/s
			2h 100/s bad 100% lost
			6h 100/s`, events: `
			6h3m froze
			6h10m blind
			8h1m thawed
			8h3m blind-cleared`, checks: `
			14h total 144
			14h bad 0`},
		{name: "a gauge above its limit", about: []string{countsOnce, oneIncident}, o: ofGauge(), prometheus: true, story: `
			1d  0/s gauge 50
			30m 0/s gauge 150
			10h 0/s gauge 100`, events: `
			1d14m opened page-fast
			1d35m eased page-slow
			1d59m eased ticket-slow
			1d6h27m resolved ticket-slow`, checks: `
			1d30m bad 30`},
		{name: "a gauge that is NaN is no event", about: []string{zeroByZero, blindness}, o: ofGauge(), story: `
			6h  0/s gauge 50
			30m 0/s gauge 150 nan`, events: `
			6h3m froze
			6h10m blind`, checks: `
			6h30m bad 0
			6h30m state blind`},
		{name: "a week's budget, and windows to fit", about: []string{oneIncident}, prometheus: true,
			o: with(ofErrors(), func(o *Objective) {
				o.Period = Period{Rolling: 7 * day}
				o.Alerting = DefaultAlerting(Period{Rolling: 28 * day})
			}), story: `
			1d  100/s
			20m 100/s bad 100%
			6h  100/s`, events: `
			1d1m opened page-fast
			1d25m eased page-slow
			1d48m eased ticket-fast
			1d2h12m eased ticket-slow
			1d5h56m resolved ticket-slow`},
		{name: "a calendar month begins with a whole budget", about: []string{countsOnce},
			o: with(ofErrors(), func(o *Objective) { o.Period = Period{Calendar: Month} }), story: `
			29d23h50m 1/s bad 0.05%
			20m       1/s`, checks: `
			29d23h50m spent 0.5
			30d5m     bad 0`},
		{name: "old errors leave a rolling period", about: []string{countsOnce},
			o: with(ofErrors(), func(o *Objective) { o.Period, o.Alerting.Off = Period{Rolling: 7 * day}, true }), story: `
			1h 10/s bad 100%
			8d 10/s`, checks: `
			2d   bad 35400
			7d2h bad 0`},
		{name: "a restart of ours in an outage", about: []string{oneIncident}, o: ofErrors(), story: `
			1d  100/s
			10m 100/s bad 100%
			10m 100/s bad 100% kill
			2h  100/s kill`, events: `
			1d1m opened page-fast
			1d25m eased page-slow
			1d50m eased ticket-fast
			1d2h20m eased ticket-slow`, checks: `
			1d20m bad 120000`},
		{name: "the clock goes back an hour, and nothing resolves", about: []string{blindness}, o: ofErrors(), story: `
			1d  100/s
			10m 100/s bad 100%
			10m 100/s bad 100% clock -1h`, events: `
			1d1m opened page-fast`, checks: `
			1d20m incident page-fast/page-fast`},
	}
}
