/** HAR: requests that a browser or a proxy recorded. Replies are passed over. */
import { Buffer } from "node:buffer";
import { absent, call, NOTHING, text, unknown, type Call, type Header, type Value } from "../calls.ts";
import { JsonError, memberOf, readTree, stringOf, type Tree } from "../json-tree.ts";
import { parsed } from "../script/evaluate-call.ts";
import { destinationOf, readUrl } from "../url.ts";
import type { Reader, Source } from "./reader.ts";

const PASSED_OVER = new Set(["response", "timings", "cache", "pages", "_initiator", "cookies"]);

export const readHar: Reader = (source) => {
  let tree: Tree;
  try {
    tree = readTree(source.text, 0, PASSED_OVER);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return { ...NOTHING, faults: [{ at: error.at, message: error.message }] };
  }
  const entries = memberOf(memberOf(tree, "log"), "entries");
  if (entries?.kind !== "array") return { ...NOTHING, faults: [{ at: 0, message: "no log.entries: not a HAR file" }] };
  const read = entries.items.map((entry) => readEntry(source, memberOf(entry, "request"), entry.at));
  return {
    ...NOTHING,
    calls: read.flatMap((each) => ("url" in each ? [each] : [])),
    faults: read.flatMap((each) => ("message" in each ? [each] : [])),
    recorded: true,
  };
};

type Entry = Call | { readonly at: number; readonly message: string } | Record<never, never>;

const readEntry = (source: Source, request: Tree | undefined, at: number): Entry => {
  const [url, method] = [memberOf(request, "url"), memberOf(request, "method")];
  if (url?.kind !== "string" || method?.kind !== "string")
    return { at, message: "an entry without request.url or request.method" };
  if (destinationOf(readUrl([url.text]), source.isKnownAddress) !== "ocs") return {};
  return call(request!.at, {
    urlAt: url.at,
    url: [url.text],
    method: text(method.text, method.at),
    headers: headersIn(request),
    ...bodyIn(request),
  });
};

const headersIn = (request: Tree | undefined): readonly Header[] => {
  const headers = memberOf(request, "headers");
  return headers?.kind !== "array"
    ? []
    : headers.items.flatMap((header) => {
        const [name, value] = [stringOf(memberOf(header, "name")), stringOf(memberOf(header, "value"))];
        return name === undefined || value === undefined
          ? []
          : [{ name, value: text(value, header.at), at: header.at }];
      });
};

const bodyIn = (request: Tree | undefined): { readonly body: Value; readonly form: boolean } => {
  const data = memberOf(request, "postData");
  const written = memberOf(data, "text");
  const form = /x-www-form-urlencoded/i.test(stringOf(memberOf(data, "mimeType")) ?? "");
  if (written?.kind !== "string")
    return { body: memberOf(data, "params") ? unknown(data!.at) : absent(request!.at), form };
  if (written.text === "") return { body: absent(written.at), form };
  if (/^base64$/i.test(stringOf(memberOf(data, "encoding")) ?? "")) {
    const decoded = text(Buffer.from(written.text, "base64").toString("utf8"), written.at);
    return { body: parsed(decoded) ?? decoded, form };
  }
  const value: Value = { kind: "text", parts: [written.text], at: written.exact ? written.at + 1 : written.at };
  const place = written.exact ? { ...value, exact: true as const } : value;
  return { body: parsed(place) ?? place, form };
};
