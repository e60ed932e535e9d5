/** What deployed sites and clients send, all of it through one gateway as it is configured for them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aGateway, basic, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { rawClient, type RawReply } from "../kit/raw-client.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";
import { ecPair, es256, jwkOf } from "../identity/kit.ts";

describe("a site with values, clients and an issuer of its own", () => {
  const key = ecPair();
  let ocs: RawOcs;
  let gateway: TestGateway;
  beforeAll(async () => {
    ocs = await rawOcs();
    const config = twoTenants(ocs.url);
    const [alpha] = config.tenants as { fields?: unknown }[];
    alpha!.fields = ["client-id", "First Name", "1-TIPO", "NOTES"];
    const bind = "127.0.0.1:0";
    const files = { "jwks.json": JSON.stringify({ keys: [jwkOf(key.publicKey)] }) };
    gateway = await aGateway(
      {
        ...config,
        listeners: [
          { name: "clients", bind, tls: "none", names: ["gw.example:*"], accept_content_types: ["text/plain"] },
          { name: "strict", bind, tls: "none" },
        ],
        identity: {
          keys: { file: "keys.yaml" },
          jwt: [
            {
              name: "corp",
              issuer: "https://idp.test/",
              audience: "ocs-gateway",
              jwks_file: "jwks.json",
              algorithms: ["ES256"],
            },
          ],
        },
        audit: { ...(config["audit"] as object), redact: { fields: { "First Name": "token", NOTES: "keep" } } },
      },
      ["alpha", "beta"],
      files,
    );
  });
  afterAll(async () => {
    await gateway.stop();
    await ocs.close();
  });

  const ask = async (
    target: string,
    body: string,
    lines: readonly string[] = [],
    listener = "clients",
  ): Promise<RawReply & { readonly sent: string }> => {
    const client = await rawClient(
      Number(new URL(gateway.gateway.listeners.find(({ name }) => name === listener)!.url).port),
    );
    const before = ocs.bytes().length;
    const authorization = lines.some((line) => line.startsWith("Authorization"))
      ? []
      : [`Authorization: ${basic("alpha")}`];
    const host = lines.some((line) => line.startsWith("Host")) ? [] : ["Host: 127.0.0.1"];
    await client.send(
      Buffer.from(
        [
          `POST ${target} HTTP/1.1`,
          ...host,
          ...authorization,
          ...lines,
          `Content-Length: ${Buffer.byteLength(body)}`,
          "",
          body,
        ].join("\r\n"),
        "utf8",
      ),
    );
    const reply = await client.reply();
    client.close();
    return { ...reply, sent: ocs.bytes().slice(before) };
  };

  it("gets a Do-Not-Call for its customer, with its fields and notes", async () => {
    const body =
      '{"client-id":7,"First Name":"Zoë","1-TIPO":"a","NOTES":"one\\ntwo","GSW_CHAIN_ATTR":null,"GSW_TREATMENT":null}';
    const { status, sent } = await ask("/customer_ids/CUST_0001+x@crm?req=DoNotCall", body, [
      "Content-Type: application/json;",
    ]);
    expect([status, sent.split("\r\n")[0]]).toEqual([
      200,
      "POST /customer_ids/CUST_0001%2Bx@crm?req=DoNotCall HTTP/1.1",
    ]);
    expect(JSON.parse(Buffer.from(sent.split("\r\n\r\n")[1]!, "latin1").toString("utf8"))).toEqual({
      GSW_TENANT_DBID: 101,
      "client-id": 7,
      "First Name": "Zoë",
      "1-TIPO": "a",
      NOTES: "one\ntwo",
    });
    const intent = (await gateway.journal()).findLast(({ kind }) => kind === "intent");
    expect(intent).toMatchObject({
      body: { "First Name": expect.stringMatching(/^t1:/) as string, NOTES: "one\ntwo" },
    });
  });

  it("is refused a field that it has not declared, by its pointer", async () => {
    const { status, headers, body } = await ask("/phones/4155550100?req=DoNotCall", '{"a/b":1}', [
      "Accept: application/json",
    ]);
    expect([status, headers["ocsgw-code"], (JSON.parse(body) as { pointer: string }).pointer]).toEqual([
      400,
      "OCSGW-1007",
      "/a~1b",
    ]);
  });

  it("has a client that sends text/plain, where the listener accepts it and nowhere else", async () => {
    const type = ["Content-Type: text/plain; charset=utf8", "Accept: text/plain"];
    expect((await ask("/phones/4155550100?req=DoNotCall", "{}", type)).status).toBe(200);
    expect((await ask("/phones/4155550100?req=DoNotCall", "{}", type, "strict")).headers["ocsgw-code"]).toBe(
      "OCSGW-1009",
    );
    expect((await ask("/phones/4155550100?req=DoNotCall", "", type, "strict")).status).toBe(200);
  });

  it("has a port that is published elsewhere, and headers of its own", async () => {
    const lines = [
      "Host: GW.example.:30443",
      "X_Correlation_Id: 1",
      "com.example.agent: Zo\u00eb",
      "User-Agent: Genesys \u00d6",
    ];
    expect((await ask("/phones/4155550100?req=DoNotCall", "{}", lines)).status).toBe(200);
    expect((await ask("/phones/4155550100?req=DoNotCall", "{}", lines, "strict")).headers["ocsgw-code"]).toBe(
      "OCSGW-1010",
    );
  });

  it("has an issuer with one key without kid, dates with fractions, many groups and deep claims", async () => {
    const now = Date.now() / 1000;
    const token = es256(
      key.privateKey,
      { alg: "ES256" },
      {
        iss: "https://idp.test/",
        aud: "ocs-gateway",
        azp: "alpha",
        iat: now - 1.5,
        exp: now + 299.25,
        groups: Array.from({ length: 200 }, (_, at) => `group-${at}`),
        a: { b: { c: { d: { e: [1] } } } },
      },
    );
    expect((await ask("/phones/4155550100?req=DoNotCall", "{}", [`Authorization: Bearer ${token}`])).status).toBe(200);
  });

  it("puts an e-mail address on the list, whose token is its own", async () => {
    for (const address of ["john7@crm.example", "mary7@crm.example"])
      expect((await ask(`/phones/${address}?req=DoNotCall`, "{}")).status).toBe(200);
    const tokens = (await gateway.journal()).flatMap((line) =>
      line.kind === "intent" && line.tokens?.phone !== undefined ? [line.tokens.phone] : [],
    );
    expect(tokens.at(-1)).not.toBe(tokens.at(-2));
    expect(JSON.stringify(await gateway.journal())).not.toMatch(/john7|mary7/);
  });
});
