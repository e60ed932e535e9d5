import { describe, expect, it } from "vitest";
import { crossSiteFault, usesHttps } from "../../../src/admin/sessions/browser-guard.ts";

const asked = (headers: Readonly<Record<string, string>>, method = "POST") => ({
  method,
  headers: Object.entries(headers),
});
const API = { isTls: false, isPage: false };
const HOST = { Host: "127.0.0.1:9640" };
const NAVIGATION = { "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document" };

describe("a request", () => {
  type Row = readonly [why: string, headers: Readonly<Record<string, string>>, tls?: "tls"];
  const rows = (...table: readonly Row[]) => table.map(([why, headers, tls]) => [why, headers, tls === "tls"] as const);
  it.each(
    rows(
      ["of a program", {}],
      ["of the console", { Origin: "http://127.0.0.1:9640", "Sec-Fetch-Site": "same-origin" }],
      ["of a console by another name", { Host: "LocalHost:9640", Origin: "http://localhost:9640" }],
      ["of a console by IPv6", { Host: "[::1]:9640", Origin: "http://[::1]:9640" }],
      ["that the user typed", { "Sec-Fetch-Site": "none" }],
      ["over TLS", { Host: "gw.example:9640", Origin: "https://gw.example:9640" }, "tls"],
      ["over TLS at its usual port", { Host: "gw.example:443", Origin: "https://gw.example" }, "tls"],
      ["behind a proxy that has TLS", { Host: "console.example", Origin: "https://console.example" }],
    ),
  )("%s is accepted", (_, headers, isTls) =>
    expect(crossSiteFault(asked({ ...HOST, ...headers }), { ...API, isTls })).toBeUndefined(),
  );

  it.each(
    rows(
      ["of another site", { Origin: "https://evil.example" }],
      ["of another port", { Origin: "http://127.0.0.1:3000" }],
      ["of another name of this host", { Origin: "http://localhost:9640" }],
      ["of a sandboxed frame or a file", { Origin: "null" }],
      ["with an empty Origin", { Origin: "" }],
      ["with an Origin that goes on", { Origin: "http://127.0.0.1:9640.evil.example" }],
      ["with a user in Origin", { Origin: "http://127.0.0.1:9640@evil.example" }],
      ["with a path in Origin", { Origin: "http://127.0.0.1:9640/" }],
      ["of plain HTTP to TLS", { Origin: "http://127.0.0.1:9640" }, "tls"],
      ["of another scheme", { Origin: "ftp://127.0.0.1:9640" }],
      ["with two Origins", { Origin: "http://127.0.0.1:9640", origin: "https://evil.example" }],
      ["of another site by Sec-Fetch-Site", { "Sec-Fetch-Site": "cross-site" }],
      ["of another port by Sec-Fetch-Site", { "Sec-Fetch-Site": "same-site" }],
      ["with an unknown Sec-Fetch-Site", { "Sec-Fetch-Site": "x" }],
      ["without Host", { Host: "", Origin: "http://127.0.0.1:9640" }],
    ),
  )("%s is refused", (_, headers, isTls) =>
    expect(crossSiteFault(asked({ ...HOST, ...headers }), { ...API, isTls })).toMatch(/another site|several Origin/),
  );

  it("that follows a link of another site is accepted for a page, and refused for data", () => {
    const link = asked({ ...HOST, ...NAVIGATION, "Sec-Fetch-Site": "cross-site" }, "GET");
    expect(crossSiteFault(link, { isTls: false, isPage: true })).toBeUndefined();
    expect(crossSiteFault(link, API)).toMatch(/another site/);
  });

  it.each<readonly [string, Readonly<Record<string, string>>, string]>([
    ["a form", NAVIGATION, "POST"],
    ["a frame", { ...NAVIGATION, "Sec-Fetch-Dest": "iframe" }, "GET"],
    ["a script", { "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script" }, "GET"],
    ["fetch", { "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty" }, "GET"],
  ])("of another site by %s is refused for a page too", (_, headers, method) =>
    expect(
      crossSiteFault(asked({ ...HOST, "Sec-Fetch-Site": "cross-site", ...headers }, method), {
        isTls: false,
        isPage: true,
      }),
    ).toMatch(/another site/),
  );

  it("shows by its Origin whether the browser uses https", () => {
    expect(usesHttps(asked({ Origin: "https://console.example" }), false)).toBe(true);
    expect(usesHttps(asked({ Origin: "http://localhost:9640" }), false)).toBe(false);
    expect(usesHttps(asked({}), false)).toBe(false);
    expect(usesHttps(asked({}), true)).toBe(true);
  });
});
