import { clientCall } from "../names.ts";
import { objectLiteral, partsOf, type SnippetRequest } from "./request.ts";

const PLAIN = /^[A-Za-z_$][A-Za-z0-9_$]*$/;
const literals = {
  // A member named __proto__ would be the prototype.
  name: (name: string): string =>
    name === "__proto__" ? '["__proto__"]' : PLAIN.test(name) ? name : JSON.stringify(name),
  value: (value: string | number | bigint): string =>
    typeof value === "string" ? JSON.stringify(value) : `${value}${typeof value === "bigint" ? "n" : ""}`,
};

/** The typed client of this package. */
export const typescript = (request: SnippetRequest): string => {
  const { action, identifier } = request;
  const { resource, method } = clientCall(action);
  const { ours, fields } = partsOf(request);
  const all = fields.size === 0 ? ours : new Map([...ours, ["fields", fields] as const]);
  const about = identifier === undefined ? "" : literals.value(identifier);
  return `\
import { readFileSync } from "node:fs";
import { ocs } from "ocs-gateway/client";

// Keep this client for all requests: it has one connection, and sends them one after the other.
const api = ocs({
  baseUrl: process.env.OCSGW_URL!,
  key: process.env.OCSGW_KEY!,
  tls: { ca: readFileSync(process.env.OCSGW_CA!, "utf8") },
});
const result = await api.${resource}(${about}).${method}(${all.size === 0 ? "" : objectLiteral(all, literals, "")});
if (result.ok) console.log(result.status, ${action.answersBody ? "JSON.stringify(result.value)" : '"done"'});
else console.log(result.status, result.code ?? "", result.text, "repeat:", result.repeat, result.requestId);
api.close();
`;
};
