// Calls a server with the client that a generator made of openapi.json; `Scripts/test-generated-clients go` runs it.
package main

import (
	"context"
	"errors"
	"log"
	"os"
	"reflect"
	"strings"

	"example.com/client/httpsms"
)

const owner, other, contact = "+18005550199", "+18005550198", "+18005550100"

// check ends the program unless it holds.
func check(holds bool, what string, value any) {
	if !holds {
		log.Fatalf("%s: %+v", what, value)
	}
}

// got is what a call answered, unless it failed.
func got[Answer, Response any](answer Answer, _ Response, err error) Answer {
	var failure *httpsms.GenericOpenAPIError
	if errors.As(err, &failure) {
		log.Fatalf("%s: %s", err, failure.Body())
	}
	check(err == nil, "a call failed", err)
	return answer
}

// failure is what the server says is wrong.
func failure[Answer, Response any](_ Answer, _ Response, err error) any {
	var failure *httpsms.GenericOpenAPIError
	check(errors.As(err, &failure), "no error of the API", err)
	return failure.Model()
}

func main() {
	configuration := httpsms.NewConfiguration()
	configuration.Servers = httpsms.ServerConfigurations{{URL: os.Getenv("API_URL")}}
	api := httpsms.NewAPIClient(configuration)
	with := func(scheme, key string) context.Context {
		return context.WithValue(
			context.Background(), httpsms.ContextAPIKeys, map[string]httpsms.APIKey{scheme: {Key: key}})
	}
	account := with("userKey", os.Getenv("API_KEY"))

	refused, ok := failure(api.PhonesAPI.ListPhones(with("userKey", "no-key")).Execute()).(httpsms.ErrorWithDetail)
	check(ok && refused.Code == httpsms.ERRORCODE_UNAUTHORIZED, "401", refused)

	for _, number := range []string{owner, other} {
		phone := got(api.PhonesAPI.UpsertPhone(account).UpsertPhone(*httpsms.NewUpsertPhone(number)).Execute())
		check(phone.Data.PhoneNumber == number, "a phone", phone)
	}
	var numbers []string
	page := got(api.PhonesAPI.ListPhones(account).Limit(1).Execute())
	for {
		numbers = append(numbers, page.Data[0].PhoneNumber)
		cursor := page.NextCursor.Get()
		if cursor == nil {
			break
		}
		page = got(api.PhonesAPI.ListPhones(account).Limit(1).Cursor(*cursor).Execute())
	}
	check(len(numbers) == 2 && numbers[0] != numbers[1], "pages", numbers)

	key := got(api.PhoneAPIKeysAPI.CreatePhoneAPIKey(account).
		StorePhoneAPIKey(*httpsms.NewStorePhoneAPIKey("Pixel")).Execute())
	phone := with("phoneKey", key.Data.ApiKey)
	token := httpsms.NewUpsertFCMToken(owner)
	token.SetFcmToken("token")
	token.SetSim(string(httpsms.SIM_SIM1))
	got(api.PhonesAPI.UpsertFCMToken(phone).UpsertFCMToken(*token).Execute())

	events := []httpsms.EventType{httpsms.EVENTTYPE_MESSAGE_PHONE_RECEIVED}
	broken, ok := failure(api.WebhooksAPI.CreateWebhook(account).
		StoreWebhook(*httpsms.NewStoreWebhook("ftp://x", events)).Execute()).(httpsms.ValidationError)
	check(ok && broken.Code == httpsms.ERRORCODE_VALIDATION_FAILED && len(broken.Data["url"]) > 0, "422", broken)
	stored := httpsms.NewStoreWebhook("http://127.0.0.1:1/hook", events)
	stored.SetPhoneNumbers([]string{owner})
	webhook := got(api.WebhooksAPI.CreateWebhook(account).StoreWebhook(*stored).Execute()).Data
	check(webhook.Status == httpsms.WEBHOOKSTATUS_ACTIVE, "a webhook", webhook)
	sample := got(api.WebhooksAPI.TestWebhook(account, webhook.Id).TestWebhook(*httpsms.NewTestWebhook()).Execute())
	details := got(api.WebhooksAPI.GetDelivery(account, sample.Data.Id).Execute()).Data
	check(details.Event.MessagePhoneReceived != nil, "what is delivered", details)

	sent := got(api.MessagesAPI.SendMessage(account).
		SendMessage(*httpsms.NewSendMessage(owner, contact, "Hello")).Execute()).Data
	check(sent.Status.IsValid() && sent.RequestReceivedAt.Year() > 2000, "a message", sent)
	listed := got(api.MessagesAPI.ListMessages(account).Owner(owner).Contact(contact).Execute()).Data
	check(len(listed) == 1 && listed[0].Id == sent.Id && listed[0].Content == "Hello", "the messages", listed)

	incoming := httpsms.NewReceiveMessage(owner)
	incoming.SetFrom(contact)
	incoming.SetContent("Hi")
	received := got(api.PhoneAPI.ReceiveMessage(phone).ReceiveMessage(*incoming).Execute()).Data
	logged := got(api.EventsAPI.ListEvents(account).Types(string(events[0])).Execute()).Data
	event := logged[0].Event.MessagePhoneReceived
	check(event != nil && event.Data.Content == "Hi" && event.Data.MessageId == received.Id, "an event", logged)

	// Each of the eight events has a model of its own, which bears its name.
	catalogue := got(api.EventsAPI.ListEventTypes(account).Execute()).Data
	check(len(catalogue) == len(httpsms.AllowedEventTypeEnumValues), "the events", catalogue)
	for _, entry := range catalogue {
		model := reflect.TypeOf(entry.Sample.GetActualInstanceValue()).Name()
		check(strings.EqualFold(model, strings.ReplaceAll(string(entry.Type), ".", "")), "the model", model)
	}

	got(api.WebhooksAPI.DeleteWebhook(account, webhook.Id).Execute())
	left := got(api.WebhooksAPI.ListWebhooks(account).Execute())
	check(len(left.Data) == 0 && left.NextCursor.Get() == nil, "the webhooks", left)
}
