import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { aSite, type Site } from "../deploy/kit.ts";
import { describeWith } from "../kit/machine.ts";
import { testssl } from "./testssl.ts";

/** Protocols, cipher categories, forward secrecy and renegotiation; `npm run siege` asks for everything. */
const QUICK = ["-p", "-s", "-R"];

describeWith(["testssl", "openssl"], "testssl.sh", (program) => {
  let site: Site;
  beforeAll(async () => {
    site = await aSite();
  });
  afterAll(() => site.close());

  it("finds nothing of LOW or worse", { timeout: 120_000 }, async () => {
    const { all, bad } = await testssl(
      program!,
      Number(new URL(site.gateway.gateway.listeners[0]!.url).port),
      join(site.tls, "ca.crt"),
      QUICK,
    );
    expect(bad).toEqual([]);
    const findings = new Map(all.map(({ id, finding }) => [id, finding]));
    expect(["TLS1", "TLS1_1", "TLS1_2", "TLS1_3"].map((id) => findings.get(id))).toEqual([
      "not offered",
      "not offered",
      "offered",
      expect.stringMatching(/^offered/),
    ]);
    expect(findings.get("secure_client_renego")).toMatch(/not vulnerable/);
  });
});
