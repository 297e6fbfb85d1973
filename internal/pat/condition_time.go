package pat

import (
	"fmt"
	"time"
)

func expiresWithin(d time.Duration) ask {
	return func(q *question) (Answer, string) {
		left := q.Expires.Sub(q.now)
		switch {
		case q.Expired, !q.Expires.IsZero() && left <= 0:
			return Yes, "it has expired"
		case q.Expires.IsZero():
			return No, "it never expires"
		}
		return yes(left <= d), "it expires in " + span(left)
	}
}

func neverExpires(q *question) (Answer, string) {
	switch {
	case q.Expired:
		return No, "it has expired"
	case q.Expires.IsZero():
		return Yes, "it never expires"
	}
	return No, "it expires on " + date(q.Expires)
}

func lifetimeOver(d time.Duration) ask {
	return func(q *question) (Answer, string) {
		switch {
		case q.Expires.IsZero() && q.Expired:
			return Unknown, "GitHub does not say when it expired"
		case q.Expires.IsZero():
			return Yes, "it never expires"
		}
		life := q.Expires.Sub(q.Since)
		return yes(life > d), "it lives for " + span(life)
	}
}

// unusedFor counts from the last use, and of a token that was not used since it
// was granted from then.
func unusedFor(d time.Duration) ask {
	return func(q *question) (Answer, string) {
		if q.Kind == Request {
			return No, "it opens nothing yet"
		}
		last, how := q.Since, "granted "
		if q.LastUsed.After(q.Since) {
			last, how = q.LastUsed, "last used "
		}
		age := q.age(last)
		return yes(age >= d), how + span(age) + " ago"
	}
}

func grantedFor(d time.Duration) ask {
	return func(q *question) (Answer, string) {
		age := q.age(q.Since)
		return yes(q.Kind != Request && age >= d), q.happened() + span(age) + " ago"
	}
}

func waitingFor(d time.Duration) ask {
	return func(q *question) (Answer, string) {
		age := q.age(q.Since)
		return yes(q.Kind == Request && age >= d), q.happened() + span(age) + " ago"
	}
}

func (q *question) happened() string {
	if q.Kind == Request {
		return "requested "
	}
	return "granted "
}

// age returns how long ago something was. Clocks differ a little, so that a
// time may be yet to come.
func (q *question) age(then time.Time) time.Duration { return max(0, q.now.Sub(then)) }

// duration returns a duration as a manifest has it, in the largest unit of
// which it is a whole number.
func duration(d time.Duration) string {
	for _, unit := range []struct {
		name string
		of   time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}} {
		if d%unit.of == 0 {
			return fmt.Sprintf("%d%s", d/unit.of, unit.name)
		}
	}
	return d.String()
}

// span returns a duration for a reader, never longer than it is.
func span(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return fmt.Sprintf("%d minutes", d/time.Minute)
}

func date(t time.Time) string { return t.UTC().Format(time.DateOnly) }
