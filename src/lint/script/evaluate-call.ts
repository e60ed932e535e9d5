/** What a call gives: functions that build texts, addresses and bodies, in ECMAScript, Java and C#. */
import { oneOf } from "./one-of.ts";
import { concat, HOLE, knownText, partsOf, RECORD_URI, unknown, type Part, type Value } from "../calls.ts";
import { isMarked, withMarks } from "../holes.ts";
import { JsonError, readTree, toValue } from "../json-tree.ts";
import { bare, calleeName, nodeIn, nodesIn, type Node } from "./node.ts";

type Evaluation = { readonly inner: (node: Node, above: readonly Node[]) => Value };

/** Functions of Composer's projects that return the address in GSW_RECORD_URI, or its beginning. */
const GIVES_RECORD_URI = /^get(?:Workflow|Callflow)(?:Record|OCS)URI$/;
/** Calls that give their first argument, in another form. */
const PASSES_ARGUMENT = oneOf([
  "stringify [Cc]reate URL URI Uri HttpUrl UriBuilder fromUri String encodeURI valueOf ofString json JSON",
  "entity text of StringEntity StringContent JsonContent toJson toJSONString Serialize\\w* writeValueAs\\w+",
  "FromObject from parse HttpPost HttpGet getBytes GetBytes encode ByteArrayEntity",
]);
/** Methods that give their object, in another form. */
const PASSES_OBJECT = oneOf([
  "toString ToString trim Trim strip toURL toUri toURI getBytes asString toJSONString normalize",
  "toExternalForm valueOf build create formatted",
]);
const EMPTY_OBJECT =
  /^(?:\w*Map|\w*Dictionary|JSONObject|JsonObject|ObjectNode|JObject|createObjectNode|Object|ExpandoObject)$/;

export const callValue = (evaluation: Evaluation, node: Node, above: readonly Node[]): Value => {
  const name = calleeName(node) ?? "";
  const given = nodesIn(node, "arguments");
  const initializer = nodeIn(node, "initializer");
  if (initializer) return evaluation.inner(initializer, above);
  if (GIVES_RECORD_URI.test(name)) return unknown(node.start, RECORD_URI);
  const values = given.map((each) => evaluation.inner(each, above));
  if (/^get/i.test(name) && values.some((value) => knownText(value) === "GSW_RECORD_URI"))
    return unknown(node.start, RECORD_URI);
  const callee = bare(nodeIn(node, "callee")!);
  const object = callee.type === "MemberExpression" ? nodeIn(callee, "object") : undefined;
  const of = object && node.type === "CallExpression" ? evaluation.inner(object, above) : undefined;
  return (
    encoded(name, values, node) ??
    formatted(name, values, of, node) ??
    ofText(name, values, of, node) ??
    passedOn(name, values, of, node)
  );
};

const encoded = (name: string, values: readonly Value[], node: Node): Value | undefined => {
  const [first] = values;
  if (!first || !/^(?:encodeURIComponent|escape|EscapeDataString|UrlEncode|encode)$/.test(name)) return undefined;
  const known = knownText(first);
  if (first.kind === "object") return undefined;
  if (known === undefined) return { kind: "text", parts: [HOLE], at: node.start };
  const written = known.isWellFormed() ? encodeURIComponent(known) : known;
  return { kind: "text", parts: [written], at: node.start };
};

/** Places of values in a format: %s, %d, {}, {0} and {0:x}. */
const PLACES = /%(?:\d+\$)?[-+0-9.]*[a-zA-Z]|\{(\d{0,3})(?:[,:][^{}]{0,40})?\}/g;

const formatted = (name: string, values: readonly Value[], of: Value | undefined, node: Node): Value | undefined => {
  const isMethod = name === "formatted";
  if (!isMethod && !/^format$/i.test(name)) return undefined;
  const format = isMethod ? of : values.find((value) => value.kind === "text");
  if (format?.kind !== "text") return undefined;
  const rest = isMethod ? values : values.slice(values.indexOf(format) + 1);
  let next = 0;
  const parts = format.parts.flatMap((part) => {
    if (typeof part !== "string") return [part];
    const pieces: Part[] = [];
    let from = 0;
    for (const found of part.matchAll(PLACES)) {
      const value = rest[found[1] === undefined || found[1] === "" ? next++ : Number(found[1])];
      pieces.push(part.slice(from, found.index), ...(value ? partsOf(value) : [HOLE]));
      from = found.index + found[0].length;
    }
    return [...pieces, part.slice(from)];
  });
  return { kind: "text", parts: concat(parts), at: node.start };
};

/** Methods of texts; what they give of GSW_RECORD_URI may still begin with its address. */
const ofText = (name: string, values: readonly Value[], of: Value | undefined, node: Node): Value | undefined => {
  if (of && /^concat$/i.test(name))
    return { kind: "text", parts: concat(partsOf(of), ...values.map(partsOf)), at: node.start };
  if (of?.kind !== "unknown" || !of.hole.recordUri) return undefined;
  const [first, second] = values;
  if (/^replace(?:All|First)?$/i.test(name)) {
    const isAddress = second === undefined || second.kind === "unknown" || /^http/i.test(withMarks(partsOf(second)));
    if (!isAddress) return unknown(node.start, RECORD_URI);
    return { kind: "text", parts: concat(second ? partsOf(second) : [], [HOLE]), at: node.start };
  }
  if (/^(?:substring|substr|slice)$/i.test(name))
    return unknown(node.start, first && knownText(first) === "0" ? RECORD_URI : HOLE);
  if (/^(?:getPath|getRawPath|lastIndexOf|indexOf|length|pop|at)$/i.test(name)) return unknown(node.start);
  return unknown(node.start, RECORD_URI);
};

const passedOn = (name: string, values: readonly Value[], of: Value | undefined, node: Node): Value => {
  const [first] = values;
  if (name === "parse" && first?.kind === "text") return parsed(first) ?? first;
  // `new HttpRequestMessage(HttpMethod.Post, address)` has the address behind the method.
  if (name === "HttpRequestMessage") return values.find(({ kind }) => kind === "text") ?? unknown(node.start);
  if (first && PASSES_ARGUMENT.test(name)) return first;
  if (of && values.length === 0 && PASSES_OBJECT.test(name)) return of;
  if (values.length === 0 && EMPTY_OBJECT.test(name))
    return { kind: "object", members: [], open: false, at: node.start };
  if (of?.kind === "unknown" && of.hole.recordUri) return of;
  // `/https?:…/.exec(uri)` gives the beginning of the address.
  if (/^exec$/.test(name) && first?.kind === "unknown") return unknown(node.start, first.hole);
  return unknown(node.start);
};

/** The object that a text of JSON is, if it is one. */
export const parsed = (value: Value): Value | undefined => {
  if (value.kind !== "text") return undefined;
  const written = withMarks(value.parts);
  if (!written.trimStart().startsWith("{")) return undefined;
  try {
    return toValue(readTree(written), (at) => (value.exact ? value.at + at : value.at));
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return isMarked(written) ? unknown(value.at) : undefined;
  }
};
