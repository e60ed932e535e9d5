/** Holds exchanges with OCS or a gateway against `/openapi/clients.json`. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { headerOf, type HeaderLine } from "../../src/common/message.ts";
import { clientsApi, type PathsBy } from "../../src/contract/openapi/clients-api.ts";
import { splitTarget } from "../../src/ocs/target.ts";

export type Exchange = {
  readonly method: string;
  readonly target: string;
  readonly body: string;
  readonly answer: { readonly status: number; readonly headers: readonly HeaderLine[]; readonly body: string };
};

type Parameter = { readonly name: string; readonly in: string; readonly schema: object; readonly required?: boolean };
type Response = {
  readonly headers?: Readonly<Record<string, { readonly $ref: string }>>;
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
};
export type Operation = {
  readonly operationId: string;
  readonly parameters: readonly (Parameter | { readonly $ref: string })[];
  readonly requestBody?: {
    readonly required: boolean;
    readonly content: Readonly<
      Record<
        string,
        { readonly schema: object; readonly examples: Readonly<Record<string, { readonly value: object }>> }
      >
    >;
  };
  readonly responses: Readonly<Record<string, { readonly $ref: string }>>;
  readonly "x-repeat"?: string;
  readonly "x-actions"?: Readonly<Record<string, { readonly $ref: string }>>;
};
type PathItem = Readonly<Record<string, Operation>>;
export type Document = {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, object>>>> & {
    readonly pathItems?: Readonly<Record<string, PathItem>>;
  };
};

export const documentBy = (by: PathsBy): Document =>
  JSON.parse(JSON.stringify(clientsApi("1.2.3", by))) as unknown as Document;

const FORMATS = { uri: true, "json-pointer": true } as const;

/** What differs from the document, in words; `of` the sandbox: an OCS adds none of the gateway's headers. */
export const createChecker = (document: Document, of: "ocs" | "gateway") => {
  const ajv = new Ajv2020({ strict: false, allErrors: true, formats: FORMATS });
  ajv.addSchema({ ...document, $id: "urn:openapi:clients" });
  const compiled = new Map<string, ValidateFunction>();
  const faultIn = (schema: object, value: unknown): string | undefined => {
    const key = JSON.stringify(schema);
    let validate = compiled.get(key);
    if (!validate) compiled.set(key, (validate = ajv.compile(absolute(schema))));
    return validate(value) ? undefined : ajv.errorsText(validate.errors);
  };

  /** The path's operation, and the page of the action that `req` names. */
  const operationsFor = (method: string, target: string): { path: Operation; page: Operation } | undefined => {
    const { path, query } = splitTarget(target)!;
    const name = /^req=(\w+)$/.exec(query ?? "")?.[1];
    const depth = path.split("/").length;
    const item = Object.entries(document.paths).find(
      ([each]) => each.split("/").length === depth && each.split("/")[1] === path.split("/")[1],
    )?.[1];
    const found = item?.[method.toLowerCase()];
    const page = name === undefined ? found : resolved(document, found?.["x-actions"]?.[name]);
    return found && page && { path: found, page };
  };

  const requestFaults = (exchange: Exchange): string[] => {
    const operations = operationsFor(exchange.method, exchange.target);
    if (!operations) return ["no operation"];
    return [operations.path, operations.page].flatMap((operation) => [
      ...parameterFaults(document, operation, exchange, faultIn),
      ...bodyFaults(operation, exchange, faultIn),
    ]);
  };

  const answerFaults = (exchange: Exchange): string[] => {
    const operations = operationsFor(exchange.method, exchange.target);
    if (!operations) return ["no operation"];
    return [operations.path, operations.page].flatMap((operation) =>
      responseFaults(document, operation, exchange, of, faultIn),
    );
  };

  return { requestFaults, answerFaults, faultIn };
};

type FaultIn = (schema: object, value: unknown) => string | undefined;

const absolute = (schema: object): object =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"urn:openapi:clients#/components')) as object;

export const at = (document: Document, $ref: string): object =>
  $ref
    .slice(2)
    .split("/")
    .reduce<object>((node, key) => (node as Record<string, object>)[key]!, document);

const resolved = (document: Document, to: { readonly $ref: string } | undefined): Operation | undefined =>
  to && Object.values(at(document, to.$ref) as PathItem)[0];

const parameterFaults = (
  document: Document,
  { parameters }: Operation,
  { target }: Exchange,
  faultIn: FaultIn,
): string[] => {
  const { path, query } = splitTarget(target)!;
  const last = decodeURIComponent(path.split("/")[2] ?? "");
  return parameters
    .map((each) => ("$ref" in each ? (at(document, each.$ref) as Parameter) : each))
    .flatMap(({ name, in: where, schema }) => {
      if (where === "header") return [];
      const text = where === "path" ? last : (new URLSearchParams(query).get(name) ?? "");
      const value = (schema as { type: string }).type === "integer" ? Number(text) : text;
      const fault = faultIn(schema, value);
      return fault === undefined ? [] : [`${where} ${name}: ${fault}`];
    });
};

const bodyFaults = ({ requestBody }: Operation, { body }: Exchange, faultIn: FaultIn): string[] => {
  if (!requestBody) return body === "" ? [] : ["a body where none is described"];
  if (body === "") return requestBody.required ? ["no body"] : [];
  const fault = faultIn(requestBody.content["application/json"]!.schema, JSON.parse(body));
  return fault === undefined ? [] : [`body: ${fault}`];
};

const responseFaults = (
  document: Document,
  { responses }: Operation,
  { answer }: Exchange,
  of: "ocs" | "gateway",
  faultIn: FaultIn,
): string[] => {
  const ref = responses[answer.status];
  const response = ref && (at(document, ref.$ref) as Response);
  if (!response) return [`status ${answer.status} is not described`];
  const type = headerOf(answer.headers, "Content-type")?.split(";", 1)[0];
  const { schema } = (type === undefined ? undefined : response.content?.[type]) ?? {};
  const bodyFault =
    answer.body === ""
      ? undefined
      : schema === undefined
        ? `content type ${type} is not described`
        : faultIn(schema, type!.endsWith("json") ? JSON.parse(answer.body) : answer.body);
  return [...headerFaults(document, response, answer.headers, of, faultIn), ...(bodyFault ? [bodyFault] : [])];
};

/** Headers of HTTP itself, and those that the gateway's listener or the proxy in front of it decides. */
const OF_HTTP = new Set(["date", "connection", "keep-alive", "content-type", "content-length"]);

const headerFaults = (
  document: Document,
  response: Response,
  headers: readonly HeaderLine[],
  of: "ocs" | "gateway",
  faultIn: FaultIn,
): string[] => {
  const described = Object.entries(response.headers ?? {}).map(
    ([name, { $ref }]) => [name, at(document, $ref) as { required?: boolean; schema: { type: string } }] as const,
  );
  const known = new Set(described.map(([name]) => name.toLowerCase()));
  const strange = headers
    .map(([name]) => name.toLowerCase())
    .filter((name) => !known.has(name) && !OF_HTTP.has(name))
    .map((name) => `header ${name} is not described`);
  const wrong = described.flatMap(([name, { required = false, schema }]) => {
    const value = headerOf(headers, name);
    if (value === undefined) return required && of === "gateway" ? [`without header ${name}`] : [];
    const fault = faultIn(schema, schema.type === "integer" ? Number(value) : value);
    return fault === undefined ? [] : [`header ${name}: ${fault}`];
  });
  return [...strange, ...wrong];
};
