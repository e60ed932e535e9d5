/**
 * A request that a program builds in several calls, as its links: `HttpRequest.newBuilder(uri).header(…).POST(body)`,
 * `xhr.open("POST", url); xhr.send(body)`, `fetch(url, { method, headers, body })`.
 */
import { oneOf } from "./one-of.ts";
import { absent, concat, knownText, partsOf, unknown } from "../calls.ts";
import type { Header, Member, Part, Value } from "../calls.ts";
import { parsed } from "./evaluate-call.ts";
import { lastName, type Node } from "./node.ts";

export type Link = {
  readonly name: string;
  readonly given: readonly { readonly node: Node; readonly value: Value }[];
};

const METHOD = /^(?:GET|POST|PUT|DELETE|PATCH|HEAD|OPTIONS|urlget)$/i;
/** Names of calls that say the method: PostAsync, postForEntity, HttpPost, POST. */
const SAYS_METHOD = new RegExp(
  "^(?:Http|do|send|invoke|create)?_?(GET|POST|PUT|DELETE|PATCH)" +
    "(?:Async|AsJsonAsync|ForObject|ForEntity|ForLocation|StringAsync|Json|Request|Method)?$",
  "i",
);
const BODY_MEMBER = /^(?:body|data|json|content|payload|entity|form)$/i;
const TAKES_BODY = oneOf(
  [
    "send sendAsync setEntity write end body bodyValue syncBody content BodyPublisher exchange method",
    "WriteAsync AddJsonBody AddBody AddStringBody AddParameter setBody entity",
  ],
  "i",
);
const SETS_HEADER = oneOf([
  "header headers setHeader addHeader setRequestProperty addRequestProperty setRequestHeader Add",
  "TryAddWithoutValidation set append AddHeader WithHeader AddDefaultHeader",
]);
const FORM = /FormUrlEncodedContent|URLSearchParams|UrlEncodedFormEntity|FormData/;

/** Objects among the arguments that are options of the request: { url, method, headers, body }. */
const optionsIn = (links: readonly Link[]): readonly (Value & { kind: "object" })[] =>
  links
    .flatMap(({ given }) => given.map(({ value }) => value))
    .filter((value) => value.kind === "object")
    .filter(({ members }) => members.some(({ key }) => isOption(key)));

const isOption = (key: string | undefined): boolean =>
  /^(?:method|headers|body|data|json|url|uri|Content|Method|Headers|type|timeout|signal)$/.test(key ?? "");

const membersIn = (links: readonly Link[], name: RegExp): readonly Member[] =>
  optionsIn(links).flatMap(({ members }) => members.filter(({ key }) => name.test(key ?? "")));

export const urlMembersIn = (value: Value): readonly Value[] =>
  value.kind === "object"
    ? [
        ...fromHostAndPath(value),
        ...value.members
          .filter(({ key }) => /^(?:url|uri|href|RequestUri|hostname)$/.test(key ?? ""))
          .map((each) => each.value),
      ]
    : [];

/** `{ host, port, path }`, as Node's own `http.request` has it. */
const fromHostAndPath = ({ members }: Value & { kind: "object" }): readonly Value[] => {
  const [host, port, path] = [/^(?:host|hostname)$/, /^port$/, /^(?:path|pathname)$/].map(
    (name) => members.find(({ key }) => name.test(key ?? ""))?.value,
  );
  if (!host || !path) return [];
  const parts = concat(["http://"], partsOf(host), port ? [":", ...partsOf(port)] : [], partsOf(path));
  return [{ kind: "text", parts, at: path.at }];
};

/** The URL with the `req` that stands among the options: `params` of axios, `qs` of request, `searchParams` of got. */
export const withParameters = (url: readonly Part[], chain: readonly Link[]): readonly Part[] => {
  if (url.some((part) => typeof part === "string" && part.includes("?"))) return url;
  const req = chain
    .flatMap(({ given }) => given.flatMap(({ value }) => (value.kind === "object" ? value.members : [])))
    .filter(({ key }) => /^(?:params|qs|query|searchParams)$/.test(key ?? ""))
    .flatMap(({ value }) => (value.kind === "object" ? value.members : []))
    .find(({ key }) => key === "req");
  return req ? concat(url, ["?req="], partsOf(req.value)) : url;
};

export const methodOf = (links: readonly Link[], at: number): Value => {
  const [member] = membersIn(links, /^(?:method|type)$/i);
  if (member) return member.value.kind === "unknown" ? methodNamed(member.value, at) : member.value;
  for (const { name, given } of links) {
    const said = given.find(({ node, value }) => METHOD.test(knownText(value) ?? methodName(node) ?? ""));
    if (said) return named(knownText(said.value) ?? methodName(said.node)!, said.node.start);
    const [, verb] = SAYS_METHOD.exec(name) ?? [];
    if (verb !== undefined && (given.length > 0 || verb === verb.toUpperCase())) return named(verb, at);
  }
  const isFetch = links.some(({ name }) => /^(?:fetch|axios|got)$/.test(name));
  return isFetch && optionsIn(links).every(({ open }) => !open) && hasPlainOptions(links)
    ? named("GET", at)
    : unknown(at);
};

/** Without a second argument, or with one whose members are known. */
const hasPlainOptions = (links: readonly Link[]): boolean =>
  links.every(({ given }) => given.slice(1).every(({ value }) => value.kind === "object" || value.kind === "absent"));

const methodNamed = (value: Value, at: number): Value => unknown(value.at === 0 ? at : value.at);
const methodName = (node: Node): string | undefined =>
  node.type === "MemberExpression" &&
  /^(?:HttpMethod|Method|RequestMethod|HttpMethods)$/.test(lastName(node["object"] as Node) ?? "")
    ? lastName(node)
    : undefined;
const named = (verb: string, at: number): Value => ({ kind: "text", parts: [verb.toUpperCase()], at });

/** `urlNode`: the argument with the URL; what stands behind it in the same call is the body. */
export const bodyOf = (links: readonly Link[], urlNode: Node, at: number): { body: Value; form: boolean } => {
  const candidates = [
    ...membersIn(links, BODY_MEMBER).map(({ value }) => ({ node: undefined, value })),
    ...links.flatMap(({ name, given }) => {
      const url = given.findIndex(({ node }) => node === urlNode);
      if (url >= 0)
        return given.slice(url + 1, url + 2).filter(({ value }) => SAYS_METHOD.test(name) || isOcsBody(value));
      return TAKES_BODY.test(name) || SAYS_METHOD.test(name) ? given : [];
    }),
  ].filter(({ value }) => !isOptions(value));
  const form = candidates.some(({ node }) => node !== undefined && FORM.test(nameOfNew(node)));
  const values = candidates.map(({ value }) => parsed(value) ?? value);
  const content = values.find(({ kind }) => kind === "object") ?? values.find((value) => isText(value));
  if (content) return { body: content, form };
  const isWhole = values.length === 0 && optionsIn(links).length > 0 && optionsIn(links).every(({ open }) => !open);
  return { body: isWhole || values.some(({ kind }) => kind === "absent") ? absent(at) : unknown(at), form };
};

/** A function of unknown name may be given anything behind the URL: a body is what has a name of OCS. */
const isOcsBody = (value: Value): boolean => {
  const body = parsed(value) ?? value;
  return body.kind === "object" && body.members.some(({ key }) => /^GSW_/i.test(key ?? ""));
};

const isOptions = (value: Value): boolean => value.kind === "object" && value.members.some(({ key }) => isOption(key));
const isText = (value: Value): boolean => value.kind === "text" && !METHOD.test(knownText(value) ?? "");
const nameOfNew = (node: Node): string => lastName(node["callee"] as Node | undefined) ?? "";

export const headersOf = (links: readonly Link[]): readonly Header[] => {
  const listed = membersIn(links, /^headers$/i).flatMap(({ value }) => (value.kind === "object" ? value.members : []));
  const set = links.flatMap(({ name, given }): readonly Header[] => {
    const [key, value] = given;
    const header = SETS_HEADER.test(name) && key && value && given.length === 2 ? knownText(key.value) : undefined;
    return header === undefined ? [] : [{ name: header, value: value!.value, at: key!.node.start }];
  });
  return [...listed.flatMap(({ key, value, at }) => (key === undefined ? [] : [{ name: key, value, at }])), ...set];
};
