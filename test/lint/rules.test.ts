/** Each rule with what it finds, and with what looks alike and is right. */
import { describe, expect, it } from "vitest";
import { kindNamed } from "../../src/lint/kinds.ts";
import { lintText, type FileJudged } from "../../src/lint/lint.ts";
import { RULES } from "../../src/lint/rules/table.ts";
import { CASES, EXAMPLES, type Example } from "../../src/ocs/examples.ts";

const OCS = { ocs: new Set(["ocs1:8080"]), gateway: new Set(["gw:8443"]) };
const judge = (kind: string, text: string): FileJudged => lintText(text, kindNamed(kind)!, OCS);
const rulesIn = (kind: string, text: string): readonly string[] => judge(kind, text).problems.map(({ rule }) => rule);
const undecidedIn = (kind: string, text: string): readonly string[] =>
  judge(kind, text).undecided.map(({ what }) => what);

const post = (target: string, body = "", head = ""): string => `POST http://a${target}\n${head}\n${body}`;
const reschedule = post("/records/1?req=RecordReschedule", '{"GSW_DATE_TIME":"12/12/2035 13:00"}');
const add = `fetch(gw + "/lists/A?req=AddRecord", { method: "POST", body: JSON.stringify(b) })`;
const open = `fetch(gw + "/records/" + h + "?req=AddRecord", { method: "POST", body: JSON.stringify(b) })`;
const close = `fetch(gw + "/records/" + h + "?req=RecordReject", { method: "POST" })`;

const header = (set: string): string =>
  `c.DefaultRequestHeaders.${set}; c.PostAsync("http://a/records/1?req=RecordReject", null);`;
const fetching = (method: string): string =>
  `<scxml><fetch srcexpr="'http://a/records/1?req=RecordReject'" method="${method}"/></scxml>`;
const recorded = (postData: object): string => {
  const request = { method: "POST", url: "http://a/records/1?req=RecordProcessed", headers: [], postData };
  return JSON.stringify({ log: { entries: [{ request }] } });
};

describe("the requests of the manual", () => {
  it.each(Object.values(EXAMPLES).map((example: Example) => [example.title, example.request] as const))(
    "%s: only its hand-written length is found",
    (_, { method, target, headers, body }) => {
      const head = headers.map(([name, value]) => `${name}: ${value}`).join("\n");
      const found = rulesIn("http", `${method} ${target} HTTP/1.1\n${head}\n\n${body}`);
      const hasLength = headers.some(([name]) => name === "Content-length");
      expect(found).toEqual(hasLength ? ["handWrittenLength"] : []);
    },
  );

  it.each(CASES.map(({ operation, target, body }) => [operation.action.method, target, body] as const))(
    "%s %s of the action table is right, in each kind of file",
    (method, target, body) => {
      const inScript = `fetch("https://gw${target}", { method: "${method}"${body === "" ? "" : `, body: '${body}'`} });`;
      const close = target.includes("req=AddRecord") ? post("/records/17?req=RecordReject") : "";
      const closing = close === "" ? "" : 'fetch("http://a/records/17?req=RecordReject", { method: "POST" })';
      expect(rulesIn("http", `${method} https://gw${target}\n\n${body}\n###\n${close}`)).toEqual([]);
      expect(rulesIn("javascript", inScript + closing)).toEqual([]);
      const data = body === "" ? "" : ` --json '${body}'`;
      expect(rulesIn("shell", `curl -X ${method}${data} 'https://gw${target}'`)).toEqual(
        target.startsWith("/records/17?req=AddRecord") ? ["recordLeftOpen"] : [],
      );
    },
  );
});

describe("a rule", () => {
  it.each<[keyof typeof RULES, string, string]>([
    ["directAddress", "http", "GET http://ocs1:8080/campaigngroups"],
    ["directAddress", "javascript", 'export const BASE = "http://ocs1:8080";'],
    ["directAddress", "javascript", 'fetch("http://OCS1:8080/anything")'],
    ["recordUriAddress", "javascript", 'send(udata["GSW_RECORD_URI"] + "?req=RecordReject")'],
    ["recordUriAddress", "javascript", "const base = getCallflowOCSURI(); send(`${base}/records/1?req=RecordReject`)"],
    ["recordUriAddress", "javascript", 'send(new URL(u.GSW_RECORD_URI).origin + "/records/1?req=RecordReject")'],
    [
      "recordUriAddress",
      "java",
      'class A { void f() { go(data.getString("GSW_RECORD_URI") + "?req=RecordReject"); } }',
    ],
    ["recordUriAddress", "shell", 'curl -X POST "${GSW_RECORD_URI}?req=RecordReject"'],
    ["recordUriAddress", "http", "POST {{GSW_RECORD_URI}}?req=RecordReject"],
    ["addRepeated", "javascript", `try { await ${add} } catch { await ${add} }`],
    ["addRepeated", "javascript", `${add}.then(done, () => ${add})`],
    ["addRepeated", "javascript", `async function f() { const r = await ${add}; if (r.status !== 200) await ${add}; }`],
    ["addRepeated", "javascript", `async function f() { if ((await ${add}).ok) return; else await ${add}; }`],
    ["addRepeated", "shell", "curl --json @b $GW/lists/A?req=AddRecord || curl --json @b $GW/lists/A?req=AddRecord"],
    ["addRetried", "javascript", `let ok = false; while (!ok) { ok = (await ${add}).ok; }`],
    ["addRetried", "javascript", `do { r = await ${add}; } while (r.status != 200)`],
    ["addRetried", "javascript", `for (;;) { try { await ${add}; break; } catch {} }`],
    ["addRetried", "javascript", `const f = async () => { try { await ${add}; } catch { await f(); } };`],
    ["addRetried", "shell", "for i in 1 2 3; do curl --json @b $GW/lists/A?req=AddRecord && break; done"],
    ["addRetried", "shell", "until R=$(curl -f --json @b $GW/lists/A?req=AddRecord); do sleep 1; done"],
    ["addRetried", "shell", "while ! curl --json @b $GW/lists/A?req=AddRecord; do sleep 1; done"],
    ["recordLeftOpen", "javascript", open],
    ["finalizedTwice", "http", `${reschedule}\n###\n${post("/records/1?req=RecordProcessed")}`],
    ["missingTenant", "http", post("/phones/4155550100?req=DoNotCall")],
    ["missingTenant", "http", post("/customer_ids/A-1?req=RequestRecordCancel", "{}")],
    ["missingTenant", "http", post("/phones/4155550100?req=DoNotCall", '{"GSW_TENANT_DBID": null}')],
    ["handWrittenLength", "http", post("/records/1?req=RecordReject", "", "content-length: 0\n")],
    ["wrongLength", "http", post("/records/1?req=RecordReject", "", "Content-Length: 7\n")],
    ["wrongLength", "http", post("/records/1?req=RecordReject", '{"A":"é"}', "Content-Length: 9\n")],
    ["secret", "shell", "curl -u crm:hunter2 https://shop.example/"],
    ["secret", "shell", "curl -ucrm:hunter2 https://shop.example/"],
    ["secret", "shell", "curl --oauth2-bearer abcdef https://shop.example/"],
    ["secret", "shell", "curl -b session=abcdef https://shop.example/"],
    ["secret", "shell", "curl -E client.pem:hunter2 https://shop.example/"],
    ["secret", "csharp", `class A { void f() { ${header('Add("Authorization", "Bearer hunter2")')} } }`],
    [
      "secret",
      "csharp",
      `class A { void f() { ${header('Set(new AuthenticationHeaderValue("Basic", "aHg6eQ=="))')} } }`,
    ],
    ["secret", "javascript", `client.setHeader("X-Api-Key", "hunter2"); ${close}`],
    ["secret", "http", "GET https://a/campaigngroups\nX-Api-Key: abcdef"],
    ["secret", "javascript", 'const h = "Basic " + btoa("crm:hunter2");'],
    ["secret", "java", 'class A { String k = "sk_4fJq0aPz71Lw"; }'],
    ["secret", "scxml", `<scxml><fetch src="http://a/" password="'hunter2'"/></scxml>`],
    ["unknownAction", "http", post("/records/1?req=RecordProceed")],
    ["unknownAction", "http", post("/lists/A?req=DoNotCall")],
    ["unknownAction", "http", post("/records/1?req=RecordReject&req=RecordReject")],
    ["unknownAction", "http", "PUT http://a/records/1?req=RecordProceed"],
    ["unknownAction", "http", "POST http://a/records/1\n    ?req=RecordProceed\n\n"],
    ["unknownAction", "shell", 'R=$(curl -X POST "http://a/records/1?req=RecordProceed")'],
    ["unknownAction", "shell", 'R="$(curl -X POST -d "{}" "http://a/records/1?req=RecordProceed" | jq ".x")"'],
    ["unknownAction", "shell", "R=`curl -X POST http://a/records/1?req=RecordProceed`"],
    ["unknownAction", "shell", "sudo -u x curl -X POST http://a/records/1?req=RecordProceed"],
    ["unknownAction", "shell", "timeout 5 curl -X POST http://a/records/1?req=RecordProceed"],
    ["unknownAction", "shell", 'xargs -I{} curl -X POST "http://a/records/{}?req=RecordProceed" < handles'],
    ["unknownAction", "shell", "bash -c 'curl -X POST http://a/records/1?req=RecordProceed'"],
    ["unknownAction", "shell", 'eval "curl -X POST http://a/records/1?req=RecordProceed"'],
    ["unknownAction", "shell", 'ssh gw "curl -X POST \\"http://a/records/1?req=RecordProceed\\""'],
    ["unknownAction", "shell", "ssh gw <<'END'\ncurl -X POST http://a/records/1?req=RecordProceed\nEND\n"],
    ["unknownAction", "shell", "curl -X POST -G -d req=RecordProceed http://a/records/1"],
    ["unknownAction", "shell", "curl -X POST --url-query req=RecordProceed http://a/records/1"],
    ["unknownAction", "shell", "wget --method=POST 'http://a/records/1?req=RecordProceed'"],
    ["unknownAction", "shell", "http POST http://a/records/1?req=RecordProceed"],
    ["unknownAction", "javascript", 'axios.post("http://a/records/1", null, { params: { req: "RecordProceed" } })'],
    ["unknownAction", "javascript", 'request({ uri: "http://a/records/1", qs: { req: "RecordProceed" } })'],
    ["unknownAction", "javascript", 'http.request({ host: "a", port: 80, path: "/records/1?req=RecordProceed" })'],
    [
      "unknownAction",
      "csharp",
      'class A { void f() { c.PostAsync($$"""http://a/records/{{h}}?req=RecordProceed"""); } }',
    ],
    ["wrongTarget", "http", post("/records/abc?req=RecordReject")],
    ["wrongTarget", "http", post("/phones/12?req=DoNotCall")],
    ["wrongTarget", "http", post("/records/?req=RecordReject")],
    ["wrongMethod", "http", "PUT http://a/records/1?req=RecordReject"],
    ["wrongMethod", "http", "GET http://a/campaigngroups/1?req=Load"],
    ["wrongMethod", "javascript", 'axios.put("http://a/records/1?req=RecordReject", {})'],
    ["wrongBody", "http", post("/records/1?req=RecordReject", "[1]")],
    ["wrongBody", "http", post("/records/1?req=RecordReject", '{"A": 1,}')],
    ["wrongContentType", "http", post("/records/1?req=RecordReject", "{}", "Content-Type: text/xml\n")],
    ["wrongContentType", "shell", "curl -d '{}' https://gw/records/1?req=RecordReject"],
    ["missingAttribute", "http", post("/campaigngroups/1?req=StartDialing")],
    ["missingAttribute", "http", post("/campaigngroups/1?req=Launch", '{"GSW_CM_AttrDialMode": 1}')],
    ["wrongAttribute", "http", post("/records/1?req=RecordProcessed", '{"GSW_CALL_RESULT": true}')],
    ["wrongAttribute", "http", post("/records/1?req=RecordProcessed", '{"GSW_CALL_RESULT": 1.5}')],
    ["wrongAttribute", "http", post("/records/1?req=RecordProcessed", '{"NOTE": {"a": 1}}')],
    ["wrongAttribute", "http", post("/campaigngroups/1?req=Load", '{"NOTE": "a"}')],
    [
      "wrongAttribute",
      "http",
      post("/lists/A?req=AddRecord", '{"GSW_CAMPAIGN_NAME":"C","GSW_PHONE":"a@b.c","GSW_TZ_NAME":"PST"}'),
    ],
    ["duplicateScope", "http", post("/phones/4155550100?req=DoNotCall", '{"GSW_TENANT_DBID":1,"GSW_TENANT_DBID":2}')],
    [
      "uriDisagrees",
      "http",
      post("/phones/4155550100?req=DoNotCall", '{"GSW_TENANT_DBID":1,"GSW_PHONE":"4155550101"}'),
    ],
    ["manualSpelling", "java", 'class A { String s = "GSW_CM_AttrOptimizedBy"; }'],
    ["misspelledName", "csharp", 'class A { string s = "GSW_TENANT_DBIT"; }'],
    ["unreadable", "javascript", "const = 1;"],
  ])("%s is found in %s: %s", (rule, kind, text) => expect(rulesIn(kind, text)).toContain(rule));

  it("of the table has a case above each", () => {
    expect(new Set(Object.values(RULES).map(({ code }) => code)).size).toBe(Object.keys(RULES).length);
  });

  it.each<[string, string, string]>([
    ["a shop's list", "javascript", "fetch(`https://shop.example/lists/${id}`)"],
    ["a shop's telephone", "javascript", 'fetch("https://shop.example/phones/iphone-15?req=buy")'],
    ["an index of another server", "shell", "curl 'http://localhost:9200/records/_search?req=1'"],
    ["records behind a version", "javascript", 'fetch("https://shop.example/v1/records/5?req=list")'],
    ["a map with an address", "java", 'class A { void f() { m.put("a", "http://shop.example/x"); } }'],
    ["a list of headers", "javascript", `cors(["Authorization", "Content-Type"]); ${close}`],
    ["a program in a package", "shell", "sudo apt-get install -y curl wget"],
    ["handles from a pipe", "shell", 'xargs -I{} curl -X POST "http://a/records/{}?req=RecordReject"'],
    [
      "handles in a raw text",
      "csharp",
      'class A { void f() { c.PostAsync($$"""http://a/records/{{h}}?req=RecordReject"""); } }',
    ],
    ["a body in another file", "http", post("/records/1?req=RecordReject", "<@utf8 body.json")],
    ["a body in base64", "har", recorded({ text: btoa('{"GSW_CALL_RESULT":33}'), encoding: "base64" })],
    ["a query that curl builds", "shell", "curl -X POST -G --data-urlencode req=RecordReject http://a/records/1"],
    ["a route of a server", "javascript", 'app.get("/records/:id", handler)'],
    ["a log line with the address", "javascript", 'console.log("http://ocs/records/1?req=RecordReject")'],
    ["a sentence with the address", "javascript", 'throw new Error("send /records/1?req=RecordReject again")'],
    [
      "an override of the record's address",
      "javascript",
      'send((settings.base || u.GSW_RECORD_URI) + "?req=RecordReject")',
    ],
    [
      "the path alone of the record's address",
      "javascript",
      'send(base + new URL(u.GSW_RECORD_URI).pathname + "?req=RecordReject")',
    ],
    [
      "a handle cut from the record's address",
      "javascript",
      'send(base + "/records/" + u.GSW_RECORD_URI.split("/records/")[1] + "?req=RecordReject")',
    ],
    [
      "another address put into the record's",
      "javascript",
      'send(u.GSW_RECORD_URI.replace(/^https?:..[^/]*/, base) + "?req=RecordReject")',
    ],
    [
      "one AddRecord for each of a list",
      "javascript",
      `for (const b of all) { const r = await ${add}; if (!r.ok) report(b); }`,
    ],
    [
      "a Do-Not-Call that is repeated",
      "javascript",
      'while (!ok) ok = send(gw + "/phones/1234?req=DoNotCall", {GSW_TENANT_DBID: 1})',
    ],
    ["a record that is finalized", "javascript", `${open}; ${close}`],
    ["a variable that a parameter hides", "javascript", `const h = "abc"; function f(h) { return ${close}; }`],
    [
      "a header without a length",
      "http",
      post("/records/1?req=RecordReject", "{}", "Content-Type: application/json; charset=utf-8\n"),
    ],
    ["a key from the environment", "shell", 'curl -u "crm:$KEY" https://gw/campaigngroups'],
    ["a file of cookies", "shell", "curl -b cookies.txt https://gw/campaigngroups"],
    ["a token from the environment", "shell", 'curl --oauth2-bearer "$TOKEN" https://gw/campaigngroups'],
    ["a user without a password", "shell", "curl -u crm https://gw/campaigngroups"],
    ["a key from a file", "shell", 'curl -H "X-Api-Key: $(cat key)" https://gw/campaigngroups'],
    ["a variable of an .http file", "http", "GET https://gw/campaigngroups\nAuthorization: Bearer {{token}}"],
    ["a name of the kernel", "java", 'class A { String s = "sk_buff_head"; }'],
    [
      "a user-defined field",
      "http",
      post("/records/1?req=RecordProcessed", '{"CUSTOMER_CODE": 22, "First Name": "é"}'),
    ],
    ["a number as a text", "http", post("/records/1?req=RecordProcessed", '{"GSW_CALL_RESULT": "33"}')],
    ["a lower-case action", "http", post("/records/1?req=recordreject")],
    ["a request without a tenant for the gateway", "http", "POST https://gw:8443/phones/4155550100?req=DoNotCall"],
    [
      "an e-mail address with its type",
      "http",
      post(
        "/lists/A?req=AddRecord",
        '{"GSW_CAMPAIGN_NAME":"C","GSW_PHONE":"a@b.c","GSW_PHONE_TYPE":10,"GSW_TZ_NAME":"PST"}',
      ),
    ],
    ["a name that a call carries", "javascript", "x = udata.GSW_CALL_ATTEMPT_GUID"],
    [
      "types, enums and decorators",
      "typescript",
      "enum A { B } @c class D { private constructor(private e: string) {} } let f = <T,>(x: T) => x as any;",
    ],
  ])("finds nothing in %s (%s)", (_, kind, text) => {
    expect(rulesIn(kind, text)).toEqual([]);
  });
});

describe("a method that is wrong", () => {
  it.each<[string, string, string]>([
    ["http", "PUT http://a/records/1?req=RecordReject", "records allows POST here, not PUT"],
    ["http", "DELETE http://a/campaigngroups/1?req=Load", "campaigngroups allows POST and GET here, not DELETE"],
    ["http", "GET http://a/records/1?req=RecordReject", "RecordReject is sent with POST, not GET"],
    ["scxml", fetching("'httpPost'"), "records allows POST here, and httpPost is no method of HTTP"],
    ["scxml", fetching("'put'"), "records allows POST here, not PUT"],
    ["scxml", fetching("'sk_ 4fJq'"), "records allows POST here, and this is no method of HTTP"],
    ["shell", "curl -X PATCH http://a/records/1?req=RecordReject", "records allows POST here, not PATCH"],
  ])("of %s is named: %s", (kind, text, message) => {
    const found = judge(kind, text).problems.filter(({ rule }) => rule === "wrongMethod");
    expect(found.map((problem) => problem.message)).toEqual([message]);
  });
});

describe("what only the running program knows", () => {
  it.each<[string, string, RegExp]>([
    ["a URL", "javascript fetch(target)", /the URL of a request is computed at run time/],
    ["a resource", "http POST {{base}}/{{path}}", /the URL of a request is a variable/],
    ["an action", "javascript send(`${gw}/records/${h}?req=${req}`)", /the action is computed at run time/],
    ["a body", `javascript ${add}`, /the body of AddRecord is computed at run time/],
    [
      "a member of the body",
      'javascript axios.post(gw + "/phones/1234?req=DoNotCall", { GSW_CHAIN_ATTR: "AllChain", ...more })',
      /whether the body has a tenant is decided at run time/,
    ],
    ["who sends it", 'javascript export const body = { "GSW_PHONE": phone };', /no call to OCS that lint recognizes/],
    [
      "whether the record is closed",
      `javascript ${open}; send(gw + "/records/" + h + "?req=" + action)`,
      /whether the record is finalized/,
    ],
  ])("%s is undecided, and no error", (_, given, expected) => {
    const [kind = "", ...words] = given.split(" ");
    const { problems, undecided } = judge(kind, words.join(" "));
    expect(undecided.map(({ what }) => what).join("\n")).toMatch(expected);
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
  });

  it("is not asked of a value that the file has", () => {
    expect(undecidedIn("javascript", `const gw = "https://gw"; const h = 15; ${close}`)).toEqual([]);
  });
});
