package health

// attached are the kinds whose status has one entry for each thing that they are
// attached to: the routes and policies of the Gateway API. Every entry must be
// accepted and have found what it refers to.
func attached(list string) func(object) Health {
	return func(o object) Health {
		entries := o.sub("status").list(list)
		if len(entries) == 0 {
			return Health{Unknown, NotObserved, "no controller has looked at it yet"}
		}
		for _, it := range entries {
			entry, _ := it.(map[string]any)
			if h := programmed(o, entry, true); h.Status != Healthy {
				return h
			}
		}
		return Health{Status: Healthy}
	}
}

// programmed judges a set of the Gateway API's conditions. Pending and Waiting
// are what controllers say before they have looked.
func programmed(o, with object, must bool) Health {
	if must && with.condition("Accepted") == nil {
		return Health{Unknown, NotObserved, "no controller has looked at it yet"}
	}
	for _, typ := range []string{"Accepted", "ResolvedRefs", "Programmed"} {
		c := with.condition(typ)
		switch {
		case c == nil:
			continue
		case old(o, c):
			return outdated()
		}
		switch c.text("status") {
		case "True":
			continue
		case "False":
			if r := c.text("reason"); typ != "Programmed" && r != "Pending" && r != "Waiting" {
				return told(Failed, c, "it is not "+typ)
			}
		}
		return told(Progressing, c, "it is not "+typ)
	}
	return Health{Status: Healthy}
}

func gateway(o object) Health {
	status := o.sub("status")
	if status.condition("Programmed") == nil && status.condition("Accepted").text("status") != "False" {
		return Health{Unknown, NotObserved, "no controller has looked at it yet"}
	}
	if h := programmed(o, status, true); h.Status != Healthy {
		return h
	}
	for _, it := range status.list("listeners") {
		l, _ := it.(map[string]any)
		if h := programmed(o, l, false); h.Status != Healthy {
			h.Message = "listener " + object(l).text("name") + ": " + h.Message
			return h
		}
	}
	return Health{Status: Healthy}
}
