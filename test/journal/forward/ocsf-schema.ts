/**
 * The class API Activity of OCSF 1.3.0 with the objects that the gateway fills, from the schema's text: types, required
 * attributes, "at least one of", and the values of enumerations. Any other attribute is a fault.
 */

type Attribute = { readonly is: Check; readonly required?: true };
type Check = (value: unknown, at: string) => readonly string[];
type Shape = Readonly<Record<string, Attribute>>;

const check =
  (what: string, holds: (value: unknown) => boolean): Check =>
  (value, at) =>
    holds(value) ? [] : [`${at} is not ${what}: ${JSON.stringify(value)}`];

const text = check("a text", (value) => typeof value === "string" && value !== "");
const integer = check("an integer", (value) => Number.isSafeInteger(value));
const timestamp = check("milliseconds", (value) => Number.isSafeInteger(value) && (value as number) > 1e12);
const anything: Check = () => [];
const oneOf = (...values: readonly number[]): Check =>
  check(`one of ${values.join(", ")}`, (value) => values.includes(value as number));
const ip = check("an IP address", (value) => typeof value === "string" && /^[\d.]+$|^[\da-f:.]+$/i.test(value));

const req = (is: Check): Attribute => ({ is, required: true });
const opt = (is: Check): Attribute => ({ is });

const object =
  (shape: Shape, atLeastOne: readonly string[] = []): Check =>
  (value, at) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return [`${at} is not an object`];
    const given = value as Readonly<Record<string, unknown>>;
    const unknown = Object.keys(given).filter((name) => !(name in shape));
    return [
      ...unknown.map((name) => `${at}.${name} is not in the schema`),
      ...Object.entries(shape).flatMap(([name, { is, required }]) =>
        name in given ? is(given[name], `${at}.${name}`) : required ? [`${at}.${name} is missing`] : [],
      ),
      ...(atLeastOne.length === 0 || atLeastOne.some((name) => name in given)
        ? []
        : [`${at} has none of ${atLeastOne.join(", ")}`]),
    ];
  };

const arrayOf =
  (each: Check): Check =>
  (value, at) =>
    Array.isArray(value) ? value.flatMap((one, index) => each(one, `${at}[${index}]`)) : [`${at} is not an array`];

const product = object(
  { name: opt(text), vendor_name: req(text), version: opt(text), uid: opt(text), lang: opt(text) },
  ["name", "uid"],
);

const metadata = object({
  version: req(check("1.3.0", (value) => value === "1.3.0")),
  product: req(product),
  uid: opt(text),
  sequence: opt(integer),
  event_code: opt(text),
  log_name: opt(text),
  original_time: opt(text),
  correlation_uid: opt(text),
  tenant_uid: opt(text),
  logged_time: opt(timestamp),
  profiles: opt(arrayOf(text)),
});

const user = object(
  {
    name: opt(text),
    uid: opt(text),
    type: opt(text),
    credential_uid: opt(text),
    domain: opt(text),
    type_id: opt(oneOf(0, 1, 2, 3, 99)),
  },
  ["account", "name", "uid"],
);

const actor = object({ user: opt(user), app_name: opt(text), app_uid: opt(text) }, ["user", "app_name", "app_uid"]);

const api = object({
  operation: req(text),
  service: opt(object({ name: opt(text), uid: opt(text), version: opt(text) }, ["name", "uid"])),
  request: opt(object({ uid: req(text), flags: opt(arrayOf(text)), data: opt(anything) })),
  response: opt(
    object({ code: opt(integer), error: opt(text), error_message: opt(text), message: opt(text), data: opt(anything) }),
  ),
  version: opt(text),
});

const endpoint = object(
  { ip: opt(ip), name: opt(text), hostname: opt(text), svc_name: opt(text), uid: opt(text), port: opt(integer) },
  ["ip", "uid", "name", "hostname", "svc_name"],
);

const EVENT = object({
  activity_id: req(oneOf(0, 1, 2, 3, 4, 99)),
  activity_name: opt(text),
  category_uid: req(oneOf(6)),
  category_name: opt(text),
  class_uid: req(oneOf(6003)),
  class_name: opt(text),
  type_uid: req(oneOf(600300, 600301, 600302, 600303, 600304, 600399)),
  type_name: opt(text),
  severity_id: req(oneOf(0, 1, 2, 3, 4, 5, 6, 99)),
  severity: opt(text),
  status_id: opt(oneOf(0, 1, 2, 99)),
  status: opt(text),
  status_code: opt(text),
  status_detail: opt(text),
  message: opt(text),
  time: req(timestamp),
  start_time: opt(timestamp),
  end_time: opt(timestamp),
  duration: opt(integer),
  count: opt(integer),
  metadata: req(metadata),
  actor: req(actor),
  api: req(api),
  src_endpoint: req(endpoint),
  dst_endpoint: opt(endpoint),
  http_response: opt(object({ code: req(integer), message: opt(text), status: opt(text), latency: opt(integer) })),
  resources: opt(
    arrayOf(
      object({ name: opt(text), uid: opt(text), type: opt(text), namespace: opt(text) }, ["name", "uid", "type"]),
    ),
  ),
  raw_data: opt(text),
  unmapped: opt(anything),
});

/** What is wrong with an event; empty if it is valid. */
export const faultsOf = (event: unknown): readonly string[] => {
  const faults = EVENT(event, "event");
  const { activity_id: activity, type_uid: type, class_uid: of } = event as Readonly<Record<string, number>>;
  return type === of! * 100 + activity! ? faults : [...faults, `type_uid ${type} is not class_uid * 100 + activity_id`];
};
