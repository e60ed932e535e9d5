/**
 * The collections that others made, as payloads. Where they are absent the tests that need them are skipped by name.
 */
import { CATALOG, type ResourceName } from "../../src/ocs/catalog.ts";
import { corpus } from "../ocs/corpus.ts";
import { passesElsewhere } from "./other-proxies.ts";
import { latin1, type Payload } from "./payload.ts";

type Row = Readonly<Record<string, unknown>>;

const rows = (folder: string, file: string): Row[] =>
  corpus(folder)
    .lines(file)
    .map((line) => JSON.parse(line) as Row);

const decoded = (row: Row): Buffer[] => [row["raw_b64"]].flat().map((text) => Buffer.from(text as string, "base64"));

const asTheyStand = (family: string, list: readonly Row[], passes: (id: string) => boolean): Payload[] =>
  list.map((row) => {
    const [id, pieces] = [row["id"] as string, decoded(row)];
    return { family, id, pieces: () => pieces, allows: 0, refusedElsewhere: !passes(id) };
  });

export const httpGarden = (): Payload[] =>
  asTheyStand("http-garden", rows("http-garden", "payloads.jsonl"), passesElsewhere("http-garden"));

export const llhttp = (): Payload[] =>
  asTheyStand("llhttp", rows("llhttp", "requests.jsonl"), passesElsewhere("llhttp-request"));

export const gunicorn = (): Payload[] => {
  const passes = passesElsewhere("gunicorn-invalid");
  // What gunicorn calls valid was not tried on the others.
  return asTheyStand(
    "gunicorn",
    rows("gunicorn-requests", "requests.jsonl"),
    (id) => id.startsWith("valid/") || passes(id),
  );
};

export const crs = (): Payload[] =>
  rows("owasp-crs-requests", "requests.jsonl").map((row) => {
    const bytes =
      typeof row["encoded_request"] === "string" ? Buffer.from(row["encoded_request"], "base64") : written(row);
    return {
      family: "owasp-crs",
      id: `${String(row["rule"])}-${String(row["test"])}-${String(row["stage"])}`,
      pieces: () => [bytes],
      allows: 0,
      refusedElsewhere: false,
    };
  });

/**
 * As the collection's own runner writes a request: GET / HTTP/1.1 unless said otherwise, and a length where there is
 * data.
 */
const written = (row: Row): Buffer => {
  const data =
    typeof row["encoded_data"] === "string"
      ? Buffer.from(row["encoded_data"], "base64")
      : Buffer.from((row["data"] as string | undefined) ?? "", "utf8");
  const headers = Object.entries((row["headers"] ?? {}) as Record<string, string>);
  if (data.length > 0 && !headers.some(([name]) => /^(?:content-length|transfer-encoding)$/i.test(name)))
    headers.push(["Content-Length", String(data.length)]);
  const line =
    `${(row["method"] as string | undefined) ?? "GET"} ${(row["uri"] as string | undefined) ?? "/"} ` +
    `${(row["version"] as string | undefined) ?? "HTTP/1.1"}`;
  return Buffer.concat([
    Buffer.from([line, ...headers.map(([name, value]) => `${name}: ${value}`), "", ""].join("\r\n"), "utf8"),
    data,
  ]);
};

const LISTS = [
  "directory_traversal.txt",
  "deep_traversal.txt",
  "traversals-8-deep-exotic-encoding.txt",
  "crlfinjection.txt",
];
const REQ: Readonly<Record<ResourceName, string>> = {
  records: "RecordReject",
  phones: "DoNotCall",
  customer_ids: "DoNotCall",
  lists: "AddRecord",
  campaigngroups: "Load",
};

/** Every line of the path lists as the identifier of every resource. */
export const paths = (): Payload[] =>
  LISTS.flatMap((file) =>
    corpus("path-payloads")
      .bytes(file)
      .toString("latin1")
      .split("\n")
      .filter((line) => line !== "")
      .flatMap((line, at) =>
        (Object.keys(CATALOG) as ResourceName[]).map((resource): Payload => {
          const target = `/${resource}/${line.replaceAll("{FILE}", "etc/passwd")}?req=${REQ[resource]}`;
          const bytes = latin1(`POST ${target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}`);
          return {
            family: "paths",
            id: `${file}:${at + 1} ${resource}`,
            pieces: () => [bytes],
            allows: 0,
            refusedElsewhere: false,
          };
        }),
      ),
  );
