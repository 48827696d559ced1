// Calls a server with the client that a generator made of openapi.json; `Scripts/test-generated-clients typescript` runs it.
import {
    APIErrorFromJSON, Configuration, ErrorCode, EventType, EventsApi, MessageStatus, MessagesApi, PhoneAPIKeysApi, PhoneApi,
    PhonesApi, ResponseError, Sim, ValidationErrorFromJSON, WebhookEvent, WebhookEventFromJSON, WebhookStatus, WebhooksApi,
} from "./httpsms";

declare const process: { env: Record<string, string>, exitCode: number };
const [owner, other, contact] = ["+18005550199", "+18005550198", "+18005550100"];

function check(holds: unknown, what: string, value: unknown): asserts holds {
    if (!holds) throw new Error(`${what}: ${JSON.stringify(value)}`);
}

/** What the server says is wrong. */
async function failure(call: Promise<unknown>): Promise<unknown> {
    const error = await call.then(() => undefined, (reason: unknown) => reason);
    check(error instanceof ResponseError, "no error of the API", String(error));
    return error.response.json();
}

/** What a receiver of webhooks does: the compiler knows the members of each event. */
function told(event: WebhookEvent): string {
    switch (event.type) {
        case "message.phone.received": return event.data.content;
        case "message.phone.sent": return event.data.id;
        case "message.phone.delivered": return event.data.id;
        case "message.send.failed": return event.data.errorMessage ?? "";
        case "message.send.expired": return String(event.data.sendAttemptCount);
        case "message.call.missed": return event.data.contact;
        case "phone.heartbeat.offline": return event.data.phoneId;
        case "phone.heartbeat.online": return event.data.monitorId;
    }
}

async function main() {
    const as = (apiKey: string) => new Configuration({ basePath: process.env.API_URL, apiKey });
    const account = as(process.env.API_KEY);
    const [phones, webhooks] = [new PhonesApi(account), new WebhooksApi(account)];
    const [messages, events] = [new MessagesApi(account), new EventsApi(account)];

    const refused = APIErrorFromJSON(await failure(new PhonesApi(as("no-key")).listPhones()));
    check(refused.code === ErrorCode.Unauthorized, "401", refused);

    for (const phoneNumber of [owner, other]) {
        const phone = await phones.upsertPhone({ upsertPhone: { phoneNumber } });
        check(phone.data.phoneNumber === phoneNumber, "a phone", phone);
    }
    const numbers = new Set<string>();
    for (let cursor: string | null | undefined; cursor !== null;) {
        const page = await phones.listPhones({ limit: 1, cursor });
        numbers.add(page.data[0].phoneNumber);
        cursor = page.nextCursor;
    }
    check(numbers.size === 2, "pages", [...numbers]);

    const key = await new PhoneAPIKeysApi(account).createPhoneAPIKey({ storePhoneAPIKey: { name: "Pixel" } });
    const phone = as(key.data.apiKey);
    await new PhonesApi(phone).upsertFCMToken({ upsertFCMToken: { phoneNumber: owner, fcmToken: "token", sim: Sim.Sim1 } });

    const wanted = [EventType.MessagePhoneReceived];
    const broken = ValidationErrorFromJSON(
        await failure(webhooks.createWebhook({ storeWebhook: { url: "ftp://x", events: wanted } })));
    check(broken.code === ErrorCode.ValidationFailed && broken.data.url.length > 0, "422", broken);
    const webhook = await webhooks.createWebhook({
        storeWebhook: { url: "http://127.0.0.1:1/hook", events: wanted, phoneNumbers: [owner] },
    });
    check(webhook.data.status === WebhookStatus.Active, "a webhook", webhook);
    const sample = await webhooks.testWebhook({ webhookID: webhook.data.id });
    const details = await webhooks.getDelivery({ deliveryID: sample.data.id });
    check(details.data.event.type === "message.phone.received", "what is delivered", details);

    const sent = await messages.sendMessage({ sendMessage: { from: owner, to: contact, content: "Hello" } });
    check(Object.values(MessageStatus).includes(sent.data.status), "a message", sent);
    check(sent.data.requestReceivedAt instanceof Date, "a time", sent);
    const listed = await messages.listMessages({ owner, contact });
    check(listed.data.length === 1 && listed.data[0].content === "Hello", "the messages", listed);

    const received = await new PhoneApi(phone).receiveMessage({
        receiveMessage: { from: contact, to: owner, content: "Hi" },
    });
    const logged = await events.listEvents({ types: EventType.MessagePhoneReceived });
    const event = logged.data[0].event;
    check(event.type === "message.phone.received" && event.data.messageId === received.data.id, "an event", event);
    check(told(event) === "Hi", "its text", event);

    // As a receiver gets them: JSON, of which the client makes the model of that event.
    const catalogue: { data: { sample: unknown }[] } = await (await events.listEventTypesRaw()).raw.json();
    check(catalogue.data.length === Object.values(EventType).length, "the events", catalogue);
    for (const { sample } of catalogue.data) check(told(WebhookEventFromJSON(sample)), "an event", sample);

    await webhooks.deleteWebhook({ webhookID: webhook.data.id });
    const left = await webhooks.listWebhooks();
    check(left.data.length === 0 && left.nextCursor === null, "the webhooks", left);
}

main().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
});
