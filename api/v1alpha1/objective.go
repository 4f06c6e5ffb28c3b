package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Objective is a service level objective: which share of what must be good over
// which period, and when somebody is told that it will not be.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=aeoslo,categories=autoecoops
// +kubebuilder:printcolumn:name="Service",type=string,JSONPath=`.spec.service`
// +kubebuilder:printcolumn:name="Target",type=string,JSONPath=`.spec.target`
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.state`
// +kubebuilder:printcolumn:name="Budget left",type=string,JSONPath=`.status.budget.remaining`
// +kubebuilder:printcolumn:name="Burning",type=string,JSONPath=`.status.incident.tier`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.reason`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Objective struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ObjectiveSpec   `json:"spec"`
	Status ObjectiveStatus `json:"status,omitempty"`
}

// ObjectiveSpec is what is promised.
//
// +kubebuilder:validation:XValidation:rule="(has(self.budgeting) && self.budgeting == 'TimeSlices') == has(self.slice)",message="slice belongs to budgeting TimeSlices, which needs it"
type ObjectiveSpec struct {
	// Service is what the objective is about.
	//
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Service string `json:"service"`
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Description string `json:"description,omitempty"`
	// Target is the share that must be good, as in 99.9%: from 50% to 99.9999%.
	//
	// +kubebuilder:validation:MaxLength=12
	// +kubebuilder:validation:Pattern=`^[5-9][0-9](\.[0-9]{1,4})?%$`
	Target string          `json:"target"`
	Period ObjectivePeriod `json:"period"`
	// Budgeting says what is counted: Occurrences (events, the default) or
	// TimeSlices, each of which is good or bad as a whole.
	//
	// +optional
	// +kubebuilder:validation:Enum=Occurrences;TimeSlices
	Budgeting string `json:"budgeting,omitempty"`
	// +optional
	Slice     *ObjectiveSlice    `json:"slice,omitempty"`
	Indicator ObjectiveIndicator `json:"indicator"`
	// +optional
	Alerting ObjectiveAlerting `json:"alerting,omitempty"`
	// Exclusions are times that the budget is not charged for.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Exclusions []ObjectiveExclusion `json:"exclusions,omitempty"`
	// Labels are put on alerts.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	Labels map[string]string `json:"labels,omitempty"`
	// Annotations are put on alerts.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Span is a duration as Prometheus writes it: 30s, 5m, 1h30m, 30d, 4w.
//
// +kubebuilder:validation:MaxLength=32
// +kubebuilder:validation:Pattern=`^([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$`
// +kubebuilder:validation:MinLength=2
type Span string

// ObjectivePeriod is the time over which the target is promised.
//
// +kubebuilder:validation:XValidation:rule="has(self.rolling) != has(self.calendar)",message="set rolling (the last 30d) or calendar (a unit that begins anew), not both"
// +kubebuilder:validation:XValidation:rule="has(self.calendar) || !has(self.timeZone)",message="timeZone belongs to calendar"
type ObjectivePeriod struct {
	// Rolling is the length of a period without beginning: 30d.
	//
	// +optional
	Rolling Span `json:"rolling,omitempty"`
	// Calendar is the unit that begins anew with a whole budget.
	//
	// +optional
	// +kubebuilder:validation:Enum=Day;Week;Month;Quarter;Year
	Calendar string `json:"calendar,omitempty"`
	// TimeZone is where the calendar's days begin, as in Europe/Berlin; UTC if
	// empty.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	TimeZone string `json:"timeZone,omitempty"`
}

// ObjectiveSlice is what TimeSlices count.
type ObjectiveSlice struct {
	// Width is how long a slice is, from 1s to 1h.
	Width Span `json:"width"`
	// Target is the share of a slice's events that must be good, as in 95%.
	//
	// +kubebuilder:validation:MaxLength=12
	// +kubebuilder:validation:Pattern=`^(100|[0-9]{1,2}(\.[0-9]{1,4})?)%$`
	Target string `json:"target"`
}

// ObjectiveIndicator says where the counts come from, in PromQL.
//
// +kubebuilder:validation:XValidation:rule="has(self.gauge) ? !has(self.total) && !has(self.good) && !has(self.bad) : has(self.total) && has(self.good) != has(self.bad)",message="set total with one of good and bad, or gauge alone"
type ObjectiveIndicator struct {
	// Total counts all events: a selector of counters such as
	// http_requests_total{job="shop"}, or an expression with {{.window}}.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=8192
	Total string `json:"total,omitempty"`
	// Good counts the good ones.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=8192
	Good string `json:"good,omitempty"`
	// Bad counts the bad ones.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=8192
	Bad string `json:"bad,omitempty"`
	// Gauge is a value that is compared at each sample.
	//
	// +optional
	Gauge *ObjectiveGauge `json:"gauge,omitempty"`
}

// ObjectiveGauge is a value that must keep to a limit.
type ObjectiveGauge struct {
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=8192
	Query string `json:"query"`
	// Op is the comparison that makes a sample good.
	//
	// +kubebuilder:validation:Enum=lt;lte;gt;gte
	Op string `json:"op"`
	// Value is the limit, a number.
	//
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?$`
	Value string `json:"value"`
}

// ObjectiveAlerting says when somebody is told.
//
// +kubebuilder:validation:XValidation:rule="!has(self.tiers) || !has(self.catalogue)",message="set tiers or catalogue, not both"
type ObjectiveAlerting struct {
	// Catalogue names ready-made tiers: Google (the default; 14.4, 6, 3 and 1
	// times the allowed rate over windows that are scaled to the period), Sloth
	// (the same, windows not scaled) or Pyrra (14, 7, 2 and 1).
	//
	// +optional
	// +kubebuilder:validation:Enum=Google;Sloth;Pyrra
	Catalogue string `json:"catalogue,omitempty"`
	// Tiers are one's own, from the most to the least urgent.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Tiers []ObjectiveTier `json:"tiers,omitempty"`
	// MinTotal is how many events the long window of a tier must hold; 20 if not
	// set.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	MinTotal *int32 `json:"minTotal,omitempty"`
	// MinBad is how many bad ones it must hold; 2 if not set.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	MinBad *int32 `json:"minBad,omitempty"`
	// BlindAfter is how long the objective may be unmeasurable before that is an
	// alert of its own; 10m if not set.
	//
	// +optional
	BlindAfter Span `json:"blindAfter,omitempty"`
	// AbsentFor is added to the time that a whole outage would need to alert
	// before the absence of all series is an alert; 2m if not set.
	//
	// +optional
	AbsentFor Span `json:"absentFor,omitempty"`
	// Off mutes the tiers; the budget is kept all the same.
	//
	// +optional
	Off bool `json:"off,omitempty"`
}

// ObjectiveTier is one burn-rate alert.
type ObjectiveTier struct {
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
	// +kubebuilder:validation:Enum=Page;Ticket
	Severity string `json:"severity"`
	Long     Span   `json:"long"`
	Short    Span   `json:"short"`
	// Factor is how many times faster than allowed the budget burns: a number.
	//
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:Pattern=`^[0-9]+(\.[0-9]+)?$`
	Factor string `json:"factor"`
	// For is how long it must last.
	//
	// +optional
	For Span `json:"for,omitempty"`
}

// ObjectiveExclusion is a time that the budget is not charged for.
//
// +kubebuilder:validation:XValidation:rule="has(self.weekly) ? !has(self.start) && !has(self.end) : has(self.start) && has(self.end) && timestamp(self.start) < timestamp(self.end)",message="set start before end, or weekly alone"
type ObjectiveExclusion struct {
	// Name says why; it stands in the ledger of the budget.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// +optional
	Start *metav1.Time `json:"start,omitempty"`
	// +optional
	End *metav1.Time `json:"end,omitempty"`
	// +optional
	Weekly *ObjectiveWeekly `json:"weekly,omitempty"`
}

// ObjectiveWeekly is a window that comes back every week.
type ObjectiveWeekly struct {
	// Days are those on which it begins.
	//
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=7
	Days []Weekday `json:"days"`
	// At is the time of day at which it begins, as in 22:00.
	//
	// +kubebuilder:validation:MaxLength=5
	// +kubebuilder:validation:Pattern=`^([01][0-9]|2[0-3]):[0-5][0-9]$`
	At string `json:"at"`
	// For is how long it lasts, at most a day.
	For Span `json:"for"`
	// +optional
	// +kubebuilder:validation:MaxLength=64
	TimeZone string `json:"timeZone,omitempty"`
}

// Weekday is a day of the week.
//
// +kubebuilder:validation:Enum=Monday;Tuesday;Wednesday;Thursday;Friday;Saturday;Sunday
type Weekday string

// ObjectiveList is a list of Objectives.
//
// +kubebuilder:object:root=true
type ObjectiveList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Objective `json:"items"`
}
