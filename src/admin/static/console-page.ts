/**
 * Serves the console's files. A browser that asks for any other page gets index.html, because the console itself reads
 * the address; programs get the API's 404. The headers let the page load nothing from elsewhere and run nothing inline.
 */
import { encodingsIn, headerOf, type Arrival, type HeaderLine, type Reply } from "../../common/message.ts";
import { text } from "../replies.ts";
import type { ConsoleFile, ConsoleFiles } from "./console-files.ts";

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const UNUSED =
  "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), " +
  "microphone=(), midi=(), payment=(), serial=(), usb=()";

export const PAGE_HEADERS: readonly HeaderLine[] = [
  ["Content-Security-Policy", POLICY],
  ["X-Content-Type-Options", "nosniff"],
  ["X-Frame-Options", "DENY"],
  ["Referrer-Policy", "no-referrer"],
  ["Cross-Origin-Opener-Policy", "same-origin"],
  ["Cross-Origin-Embedder-Policy", "require-corp"],
  ["Cross-Origin-Resource-Policy", "same-origin"],
  ["Permissions-Policy", UNUSED],
];

const INDEX = "/index.html";
const YEAR_S = 31_536_000;

const UNBUILT =
  "<!doctype html><html lang=en><title>ocsgw</title><h1>The console is not built</h1>" +
  "<p>Run <code>npm ci</code> in the checkout, with development packages, and start the gateway again. Only the " +
  "console is missing: <code>ocsgw status</code>, <code>ocsgw flows</code> and the admin API work.</html>\n";

/** Undefined if the request is not for the console. `path`: of its target, without the query. */
export const consolePage = (files: ConsoleFiles, arrival: Arrival, path: string): Reply | undefined => {
  const { method, headers } = arrival;
  if (method !== "GET" && method !== "HEAD") return undefined;
  const file = path === INDEX ? undefined : files.get(path);
  if (file) return replyOf(file, headers, cachingOf(file));
  if (!asksForPage(path, headers)) return undefined;
  const index = files.get(INDEX);
  return index ? replyOf(index, headers, "no-store") : text(503, "text/html; charset=utf-8", UNBUILT, PAGE_HEADERS);
};

/**
 * A browser that opens an address, and not a program, nor a script that asks for a file which is gone. Names in Help,
 * such as a config key, may look like files.
 */
export const asksForPage = (path: string, headers: Arrival["headers"]): boolean =>
  !/^\/(?:api|docs|openapi)(?:\/|$)/.test(path) &&
  (path.startsWith("/help/") || !/\.\w+$/.test(path)) &&
  /(?:^|,)\s*text\/html\b/i.test(headerOf(headers, "Accept") ?? "");

const cachingOf = ({ isHashed }: ConsoleFile): string =>
  isHashed ? `public, max-age=${YEAR_S}, immutable` : "no-cache";

const replyOf = (file: ConsoleFile, asked: Arrival["headers"], caching: string): Reply => {
  const headers: HeaderLine[] = [
    ["Cache-Control", caching],
    ["ETag", file.etag],
    ["Vary", "Accept-Encoding"],
    ...PAGE_HEADERS,
  ];
  const known = headerOf(asked, "If-None-Match")
    ?.split(",")
    .map((each) => each.trim().replace(/^W\//, ""));
  if (caching !== "no-store" && known?.includes(file.etag)) return { status: 304, headers, body: new Uint8Array(0) };
  const { name, body } = encodedFor(file, headerOf(asked, "Accept-Encoding") ?? "");
  const encoding: HeaderLine[] = name === undefined ? [] : [["Content-Encoding", name]];
  return { status: 200, headers: [["Content-Type", file.type], ...encoding, ...headers], body };
};

type Encoded = { readonly name?: string; readonly body: Uint8Array };

const encodedFor = ({ content, gzip, brotli }: ConsoleFile, accepted: string): Encoded => {
  const names = encodingsIn(accepted);
  if (brotli && names.includes("br")) return { name: "br", body: brotli };
  return gzip && names.includes("gzip") ? { name: "gzip", body: gzip } : { body: content };
};
