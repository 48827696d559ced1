// Receives the webhooks of httpsms with Go's standard library.
//
// An event becomes a file before it is acknowledged, and a goroutine handles it afterwards: what a crash leaves behind
// is handled after the next start. An empty file stays, so that an event that comes again is known.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

var (
	callbackURL = os.Getenv("HTTPSMS_CALLBACK_URL") // exactly as the webhook has it
	passphrase  = os.Getenv("HTTPSMS_ENCRYPTION_KEY")
	inbox       = env("HTTPSMS_INBOX", "inbox")
	waiting     = make(chan string, 1024) // paths; what is in the files is not lost with it
	validID     = regexp.MustCompile(`^[\w-]{1,64}$`)
)

type event struct {
	ID, Type string
	Data     struct {
		ID, Owner, Contact, Content string
		MessageID                   string `json:"message_id"`
		RequestID                   string `json:"request_id"`
		ErrorMessage                string `json:"error_message"`
		IsFinal                     bool   `json:"is_final"`
		Encrypted                   bool
	}
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// handle is where your code goes.
func handle(e event) (err error) {
	data := e.Data
	if passphrase != "" && data.Encrypted {
		if data.Content, err = decrypt(data.Content); err != nil {
			return err
		}
	}
	// POST /v1/messages/send answered with this message ID; the request ID is what you gave it.
	line := map[string]string{"id": e.ID, "type": e.Type, "request_id": data.RequestID, "content": data.Content}
	line["message_id"] = data.ID + data.MessageID // an event has one or none of the two
	switch e.Type {
	case "message.phone.received":
		line["note"] = data.Contact + " wrote"
	case "message.phone.sent":
		line["note"] = "handed to the network"
	case "message.phone.delivered":
		line["note"] = "arrived"
	case "message.send.failed":
		line["note"] = "not sent: " + data.ErrorMessage
	case "message.send.expired":
		line["note"] = fmt.Sprintf("not sent in time; the last attempt: %t", data.IsFinal)
	case "message.call.missed":
		line["note"] = data.Contact + " called"
	case "phone.heartbeat.offline":
		line["note"] = data.Owner + " is away"
	case "phone.heartbeat.online":
		line["note"] = data.Owner + " is back"
	default:
		return nil // newer than this receiver
	}
	for name, value := range line {
		if value == "" {
			delete(line, name)
		}
	}
	return json.NewEncoder(os.Stdout).Encode(line)
}

func work() {
	for path := range waiting {
		body, err := os.ReadFile(path)
		var e event
		if err == nil {
			err = json.Unmarshal(body, &e)
		}
		if err == nil {
			err = handle(e)
		}
		if err == nil {
			err = os.Truncate(path, 0)
		}
		if err != nil { // the file stays as it is: the next start tries again
			log.Printf("%s: %v", path, err)
		}
	}
}

// store does nothing when the id is known.
func store(id string, body []byte) error {
	draft, err := os.CreateTemp(inbox, ".*")
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	defer draft.Close()
	if _, err := draft.Write(body); err != nil {
		return err
	}
	if err := draft.Sync(); err != nil {
		return err
	}
	path := filepath.Join(inbox, id)
	if err := os.Link(draft.Name(), path); err != nil { // complete from the moment it has its name
		if errors.Is(err, os.ErrExist) {
			return nil
		}
		return err
	}
	waiting <- path
	return nil
}

func hook(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		http.Error(w, "POST only", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, "too long", http.StatusRequestEntityTooLarge)
		return
	}
	if !isGenuine(r.Header, body, os.Getenv("HTTPSMS_SIGNING_KEY")) &&
		!isGenuine(r.Header, body, os.Getenv("HTTPSMS_NEXT_SIGNING_KEY")) { // set while the key is replaced
		http.Error(w, "not genuine", http.StatusUnauthorized)
		return
	}
	var e struct{ ID, Type string }
	if json.Unmarshal(body, &e) != nil || !validID.MatchString(e.ID) {
		http.Error(w, "not an event", http.StatusBadRequest)
		return
	}
	if err := store(e.ID, body); err != nil {
		log.Print(err)
		http.Error(w, "not stored", http.StatusInternalServerError) // the event comes again
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func main() {
	if os.Getenv("HTTPSMS_SIGNING_KEY") == "" || callbackURL == "" {
		log.Fatal("HTTPSMS_SIGNING_KEY and HTTPSMS_CALLBACK_URL must be set")
	}
	if err := os.MkdirAll(inbox, 0o700); err != nil {
		log.Fatal(err)
	}
	left, _ := filepath.Glob(filepath.Join(inbox, "[^.]*"))
	go work()
	go func() {
		for _, path := range left {
			if info, err := os.Stat(path); err == nil && info.Size() > 0 {
				waiting <- path
			}
		}
	}()
	server := http.Server{Addr: "127.0.0.1:" + env("PORT", "9000"), ReadTimeout: 10 * time.Second}
	http.HandleFunc("/", hook)
	log.Fatal(server.ListenAndServe())
}
