package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// The conditions of an Objective.
const (
	// ObjectiveReady: the definition is right, and it is followed.
	ObjectiveReady = "Ready"
	// ObjectiveMeasured: there is enough to tell; False names what is missing.
	ObjectiveMeasured = "Measured"
	// ObjectiveMet: the budget is not spent. Unknown if nothing was counted.
	ObjectiveMet = "Met"
	// ObjectiveBurning: an incident is open.
	ObjectiveBurning = "Burning"
)

// ObjectiveStatus is what is known of an objective.
type ObjectiveStatus struct {
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// State is how much is known: measured, low-traffic, no-traffic, maintenance,
	// invalid, absent, blind or unmeasured. In the last five alerts are frozen.
	//
	// +optional
	State string `json:"state,omitempty"`
	// +optional
	Since *metav1.Time `json:"since,omitempty"`
	// +optional
	Reason string `json:"reason,omitempty"`
	// +optional
	Evaluated *metav1.Time `json:"evaluated,omitempty"`
	// +optional
	Budget *ObjectiveBudget `json:"budget,omitempty"`
	// Incident is the open one.
	//
	// +optional
	Incident *ObjectiveIncident `json:"incident,omitempty"`
	// Burns are the burn rates by window, the shortest first.
	//
	// +optional
	// +listType=map
	// +listMapKey=window
	Burns []ObjectiveBurn `json:"burns,omitempty"`
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// ObjectiveBudget is what is left of the errors that the period allows. Shares
// are percentages.
type ObjectiveBudget struct {
	From metav1.Time `json:"from"`
	// Bad and Total are events, or slices of time, rounded.
	Bad   int64 `json:"bad"`
	Total int64 `json:"total"`
	// Achieved is the share that was good, Remaining what is left of the budget
	// (negative: it is overspent). Both are empty if nothing was counted.
	//
	// +optional
	Achieved string `json:"achieved,omitempty"`
	// +optional
	Remaining string `json:"remaining,omitempty"`
	// Coverage is the share of the time with information.
	Coverage string `json:"coverage"`
	// Blind is how long the objective could not be measured.
	//
	// +optional
	Blind string `json:"blind,omitempty"`
}

// ObjectiveIncident is the one alert of an objective.
type ObjectiveIncident struct {
	Opened metav1.Time `json:"opened"`
	// Tier fires now; Peak is the most urgent that did.
	Tier     string `json:"tier"`
	Peak     string `json:"peak"`
	Severity string `json:"severity"`
}

// ObjectiveBurn is what a window says.
type ObjectiveBurn struct {
	Window string `json:"window"`
	// Rate is how many times faster than allowed the budget burns, empty if
	// there were no events.
	//
	// +optional
	Rate  string `json:"rate,omitempty"`
	Bad   int64  `json:"bad"`
	Total int64  `json:"total"`
}
