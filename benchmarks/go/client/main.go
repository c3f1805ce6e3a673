// Go's net/http client as a contender: what src/workers/client.ts and src/workers/transfer.ts do, in Go. Its parent
// calls it by name, as it calls those: a line of JSON for each call, a line for each answer.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type target struct {
	Origin      string `json:"origin"`
	Connections int    `json:"connections"`
	CA          string `json:"ca"`
	// HTTP/2, if it is set.
	Streams int `json:"streams"`
}

// As ClientJob in src/workers/client.ts.
type clientJob struct {
	Target      target  `json:"target"`
	Concurrency int     `json:"concurrency"`
	Path        string  `json:"path"`
	JSON        *string `json:"json"`
	Expected    string  `json:"expected"`
	Proof       *string `json:"proof"`
}

// As TransferJob in src/workers/transfer.ts.
type transferJob struct {
	Target    target `json:"target"`
	Direction string `json:"direction"`
	Bytes     int64  `json:"bytes"`
	Path      string `json:"path"`
	Timing    struct {
		WarmCPUMs    float64 `json:"warmCpuMs"`
		WarmAtMostMs float64 `json:"warmAtMostMs"`
		WindowMs     float64 `json:"windowMs"`
	} `json:"timing"`
}

type figures map[string]float64

const (
	mib        = 1048576
	maxSamples = 500000
	pieceBytes = 65536
	// The slow consumer: a rest after each MiB.
	rest = 5 * time.Millisecond
)

func main() {
	answers := json.NewEncoder(os.Stdout)
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return // its parent has ended
		}
		var question struct {
			ID       int             `json:"id"`
			Name     string          `json:"name"`
			Argument json.RawMessage `json:"argument"`
		}
		if err := json.Unmarshal(line, &question); err != nil {
			panic(err)
		}
		answer := map[string]any{"id": question.ID}
		if value, err := call(question.Name, question.Argument); err != nil {
			answer["error"] = err.Error()
		} else {
			answer["value"] = value
		}
		if err := answers.Encode(answer); err != nil {
			return
		}
	}
}

func call(name string, argument json.RawMessage) (any, error) {
	switch name {
	case "spentMs":
		return float64(spent()) / float64(time.Millisecond), nil
	case "start":
		var job clientJob
		if err := json.Unmarshal(argument, &job); err != nil {
			return nil, err
		}
		return start(job)
	case "run":
		if len(argument) > 0 && string(argument) != "null" {
			var job transferJob
			if err := json.Unmarshal(argument, &job); err != nil {
				return nil, err
			}
			return transfer(job)
		}
		load.run()
		return nil, nil
	case "begin":
		load.begin()
		return nil, nil
	case "end":
		return load.end()
	}
	return nil, fmt.Errorf("nothing here is called %s", name)
}

func label() string {
	return "Go net/http (" + runtime.Version() + ")"
}

// As its documents advise: one client and one transport for all requests, as many idle connections as requests.
func clientOf(to target) (*http.Client, error) {
	transport := &http.Transport{
		MaxConnsPerHost:     to.Connections,
		MaxIdleConns:        to.Connections,
		MaxIdleConnsPerHost: to.Connections,
		DialContext:         (&net.Dialer{}).DialContext,
	}
	if to.CA != "" {
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM([]byte(to.CA)) {
			return nil, errors.New("no certificate to trust")
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	if to.Streams > 0 {
		if to.CA == "" {
			return nil, errNotMadeForIt // h2c is not in the standard library
		}
		transport.ForceAttemptHTTP2 = true
	} else {
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	return &http.Client{Transport: transport}, nil
}

var errNotMadeForIt = errors.New("not made for this target")

func ask(client *http.Client, method, url string, body io.Reader, length int64) (*http.Response, error) {
	request, err := http.NewRequest(method, url, body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.ContentLength = length
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		response.Body.Close()
		return nil, fmt.Errorf("status %d", response.StatusCode)
	}
	return response, nil
}

func text(response *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	whole, err := io.ReadAll(response.Body)
	return string(whole), err
}

// So many requests at a time, until the parent has seen enough.
type lanes struct {
	once        func() error
	concurrency int
	running     atomic.Bool
	done        sync.WaitGroup
	count       atomic.Int64
	lock        sync.Mutex
	samples     []float64
	failure     error
	startedAt   time.Time
	spentAt     time.Duration
}

var load lanes

func start(job clientJob) (any, error) {
	client, err := clientOf(job.Target)
	if err == errNotMadeForIt {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	url := job.Target.Origin + job.Path
	load.concurrency = job.Concurrency
	load.once = func() error {
		var answer string
		var err error
		if job.JSON == nil {
			answer, err = text(ask(client, "GET", url, nil, 0))
		} else {
			answer, err = text(ask(client, "POST", url, strings.NewReader(*job.JSON), int64(len(*job.JSON))))
		}
		if err == nil && answer != job.Expected {
			err = fmt.Errorf("an answer of %d characters: %s", len(answer), answer)
		}
		return err
	}
	if job.Proof != nil {
		if err := prove(client, job); err != nil {
			return nil, err
		}
	}
	return label(), nil
}

// As in src/workers/proof.ts: by what the origin says of the connection.
func prove(client *http.Client, job clientJob) error {
	found := map[string]bool{}
	var lock sync.Mutex
	var failure error
	if _, err := text(ask(client, "GET", job.Target.Origin+*job.Proof, nil, 0)); err != nil {
		return err
	}
	var all sync.WaitGroup
	for i := 0; i < job.Concurrency; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			answer, err := text(ask(client, "GET", job.Target.Origin+*job.Proof, nil, 0))
			lock.Lock()
			defer lock.Unlock()
			if err != nil {
				failure = err
			}
			found[answer] = true
		}()
	}
	all.Wait()
	if failure != nil {
		return failure
	}
	want := "HTTP/1.1 "
	if job.Target.Streams > 0 {
		want = "HTTP/2.0 "
	}
	for answer := range found {
		if !strings.HasPrefix(answer, want) {
			return fmt.Errorf("the origin was asked by %q, not by %s", answer, want)
		}
	}
	if len(found) > job.Target.Connections {
		return fmt.Errorf("%d connections, not %d", len(found), job.Target.Connections)
	}
	return nil
}

func (l *lanes) run() {
	l.running.Store(true)
	for i := 0; i < l.concurrency; i++ {
		l.done.Add(1)
		go func() {
			defer l.done.Done()
			for l.running.Load() {
				startedAt := time.Now()
				err := l.once()
				l.note(float64(time.Since(startedAt))/float64(time.Millisecond), err)
				if err != nil {
					return
				}
			}
		}()
	}
}

func (l *lanes) note(ms float64, err error) {
	l.lock.Lock()
	defer l.lock.Unlock()
	if err != nil {
		if l.failure == nil {
			l.failure = err
		}
		return
	}
	if len(l.samples) < maxSamples {
		l.samples = append(l.samples, ms)
	}
	l.count.Add(1)
}

func (l *lanes) begin() {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.samples = l.samples[:0]
	l.count.Store(0)
	l.startedAt = time.Now()
	l.spentAt = spent()
}

func (l *lanes) end() (any, error) {
	for l.count.Load() < int64(l.concurrency) && l.failed() == nil {
		time.Sleep(5 * time.Millisecond)
	}
	l.lock.Lock()
	cpuUs := float64(spent()-l.spentAt) / float64(time.Microsecond)
	seconds := time.Since(l.startedAt).Seconds()
	count := float64(l.count.Load())
	samples := append([]float64{}, l.samples...)
	l.lock.Unlock()
	l.running.Store(false)
	l.done.Wait()
	if l.failure != nil {
		return nil, l.failure
	}
	sort.Float64s(samples)
	rank := func(share float64) float64 {
		at := int(float64(len(samples)) * share)
		if at > len(samples)-1 {
			at = len(samples) - 1
		}
		return samples[at]
	}
	return figures{
		"requests":          count,
		"cpuUs":             cpuUs / count,
		"cpuTotalUs":        cpuUs,
		"requestsPerSecond": count / seconds,
		"p50Ms":             rank(0.5),
		"p99Ms":             rank(0.99),
		"rssMiB":            rssMiB(),
	}, nil
}

func (l *lanes) failed() error {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.failure
}

// Bodies, one after another.
func transfer(job transferJob) (any, error) {
	client, err := clientOf(job.Target)
	if err == errNotMadeForIt {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	once := func() error { return move(client, job) }
	var found figures
	if job.Direction == "slow" {
		found, err = growth(client, job, once)
	} else {
		found, err = throughput(job, once)
	}
	if err != nil {
		return nil, err
	}
	return map[string]any{"label": label(), "figures": found}, nil
}

func move(client *http.Client, job transferJob) error {
	url := job.Target.Origin + job.Path
	switch job.Direction {
	case "up":
		_, err := text(ask(client, "POST", url, &pieces{left: job.Bytes}, job.Bytes))
		return err
	case "text":
		whole, err := text(ask(client, "GET", url, nil, 0))
		if err != nil {
			return err
		}
		return expectBytes(int64(len(whole)), job.Bytes)
	}
	response, err := ask(client, "GET", url, nil, 0)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	piece := make([]byte, pieceBytes)
	var received int64
	atRest := int64(mib)
	for {
		length, err := response.Body.Read(piece)
		received += int64(length)
		if job.Direction == "slow" && received >= atRest {
			atRest += mib
			time.Sleep(rest)
		}
		if err == io.EOF {
			return expectBytes(received, job.Bytes)
		}
		if err != nil {
			return err
		}
	}
}

// A source that has everything at hand, yet is read as streams are: one piece after another.
type pieces struct{ left int64 }

var filled = []byte(strings.Repeat("x", pieceBytes))

func (p *pieces) Read(into []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	length := int64(len(into))
	if length > pieceBytes {
		length = pieceBytes
	}
	if length > p.left {
		length = p.left
	}
	p.left -= length
	return copy(into[:length], filled), nil
}

func throughput(job transferJob, once func() error) (figures, error) {
	timing := job.Timing
	warmAt := spent() + time.Duration(timing.WarmCPUMs*float64(time.Millisecond))
	_, _, err := repeat(once, func(elapsedMs float64) bool {
		return spent() >= warmAt || elapsedMs >= timing.WarmAtMostMs
	})
	if err != nil {
		return nil, err
	}
	before := spent()
	count, seconds, err := repeat(once, func(elapsedMs float64) bool { return elapsedMs >= timing.WindowMs })
	moved := float64(count) * float64(job.Bytes) / mib
	return figures{
		"mibPerSecond": moved / seconds,
		"cpuUsPerMib":  float64(spent()-before) / float64(time.Microsecond) / moved,
		"rssMiB":       rssMiB(),
	}, err
}

func repeat(once func() error, isEnough func(elapsedMs float64) bool) (int, float64, error) {
	startedAt := time.Now()
	for count := 1; ; count++ {
		if err := once(); err != nil {
			return count, 0, err
		}
		elapsed := time.Since(startedAt)
		if isEnough(float64(elapsed) / float64(time.Millisecond)) {
			return count, elapsed.Seconds(), nil
		}
	}
}

// How far memory rises while a large body waits for its reader.
func growth(client *http.Client, job transferJob, once func() error) (figures, error) {
	for i := 0; i < 50; i++ {
		if _, err := text(ask(client, "GET", job.Target.Origin+"/json", nil, 0)); err != nil {
			return nil, err
		}
	}
	before := rssMiB()
	most := before
	startedAt := time.Now()
	ended := make(chan error)
	go func() { ended <- once() }()
	for {
		select {
		case err := <-ended:
			return figures{"rssGrowthMiB": most - before, "seconds": time.Since(startedAt).Seconds()}, err
		case <-time.After(5 * time.Millisecond):
			if now := rssMiB(); now > most {
				most = now
			}
		}
	}
}

func expectBytes(received, bytes int64) error {
	if received != bytes {
		return fmt.Errorf("%d of %d bytes", received, bytes)
	}
	return nil
}

// CPU time of this process.
func spent() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func rssMiB() float64 {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(statm))
	pages, _ := strconv.ParseFloat(fields[1], 64)
	return pages * float64(os.Getpagesize()) / mib
}
