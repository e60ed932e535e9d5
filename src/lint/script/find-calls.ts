/** The calls to OCS in a program. A call is recognized by its URL, whichever library or function it is given to. */
import { oneOf } from "./one-of.ts";
import { call, partsOf, type Call, type Part, type Range, type Undecided, type Value } from "../calls.ts";
import { withMarks } from "../holes.ts";
import { destinationOf, readUrl, type Url } from "../url.ts";
import type { Evaluator } from "./evaluate.ts";
import { bodyOf, headersOf, methodOf, urlMembersIn, withParameters, type Link } from "./links.ts";
import { bare, calleeName, isFunction, nodeIn, nodesIn, pathOf, walk, type Node } from "./node.ts";
import { failuresBefore, isRetried } from "./surroundings.ts";

export type Program = {
  readonly tree: Node;
  /** The text that the offsets of the tree count in. */
  readonly text: string;
  readonly evaluator: Evaluator;
  readonly isKnownAddress: (url: Url) => boolean;
  /** Nodes that were looked at for requests that are built in several calls. */
  readonly budget: { looked: number };
};

/** Beyond it, what a program does with the variable of a request is not known. */
const MOST_LOOKED_AT = 5_000_000;

type At = { readonly node: Node; readonly above: readonly Node[] };

/** Functions that are given addresses and send nothing. */
const SENDS_NOTHING = oneOf(
  [
    "log info debug warn warning error fatal trace fine\\w* print\\w* write\\w* append\\w* alert assert\\w*",
    "equals test match\\w* startsWith endsWith includes contains indexOf push add set setAttribute",
    "getProperty require import String expect toBe toEqual encodeURI\\w* escape split replace\\w*",
  ],
  "i",
);
/** Functions that send a request to the URL that they are given. */
const SENDS = /^(?:fetch|ajax|openConnection|HttpPost|HttpGet|PostAsync|PostAsJsonAsync|postForEntity|postForObject)$/;

export const findCalls = (program: Program): { calls: readonly Call[]; undecided: readonly Undecided[] } => {
  const calls: Call[] = [];
  const undecided: Undecided[] = [];
  const consumed = new Set<Node>();
  const sent: string[] = [];
  for (const at of walk(program.tree)) {
    if (!isCall(at.node) || consumed.has(at.node) || isInnerLink(at)) continue;
    const site = siteAt(program, at);
    if (site === undefined) continue;
    if (site === "maybe") undecided.push({ at: at.node.start, what: "the URL of a request is computed at run time" });
    else {
      calls.push(site.call);
      sent.push(withMarks(site.call.url));
      for (const { node } of walk(site.urlNode)) consumed.add(node);
    }
  }
  return { calls: [...calls, ...mentions(program, sent, consumed)], undecided };
};

const isCall = ({ type }: Node): boolean => type === "CallExpression" || type === "NewExpression";

/** A link of a longer chain: the outermost call has all of them. */
const isInnerLink = ({ node, above }: At): boolean => {
  const [parent, grand] = [above.at(-1), above.at(-2)];
  return (
    parent?.type === "MemberExpression" &&
    nodeIn(parent, "object") === node &&
    grand !== undefined &&
    isCall(grand) &&
    nodeIn(grand, "callee") === parent
  );
};

type Site = { readonly call: Call; readonly urlNode: Node };

const siteAt = (program: Program, at: At): Site | "maybe" | undefined => {
  const chain = linksOf(program, at.node, at.above);
  const [outermost] = chain;
  if (!outermost || SENDS_NOTHING.test(outermost.name)) return undefined;
  const candidates = chain.flatMap(({ given, name }) =>
    // `map.put(key, address)` sends nothing; `axios.put(address, body)` does.
    (name === "put" ? given.slice(0, 1) : given).flatMap(({ node, value }) =>
      [value, ...urlMembersIn(value)].map((each) => ({ node, value: each, name })),
    ),
  );
  for (const { node, value } of candidates) {
    if (value.kind !== "text" && value.kind !== "unknown") continue;
    const parts = withParameters(partsOf(value), chain);
    const url = readUrl(parts);
    if (value.kind === "unknown" && !url.fromRecordUri) continue;
    if (destinationOf(url, program.isKnownAddress) !== "ocs" || !isWhole(url)) continue;
    return { call: callAt(program, at, { chain, urlNode: node, parts }), urlNode: node };
  }
  const sends = chain.some(({ name }) => SENDS.test(name));
  const isUnknown = candidates.some(
    ({ value, name }) => SENDS.test(name) && destinationOf(readUrl(partsOf(value)), program.isKnownAddress) === "maybe",
  );
  return sends && isUnknown ? "maybe" : undefined;
};

/** The record's address alone is also handed around as data; with a target it is sent to. */
const isWhole = ({ path, query, fromRecordUri }: Url): boolean => path !== "" || query !== undefined || !fromRecordUri;

type Found = { readonly chain: readonly Link[]; readonly urlNode: Node; readonly parts: readonly Part[] };

const callAt = (program: Program, { node, above }: At, { chain, urlNode, parts }: Found): Call => {
  const links = [...chain, ...linkedTo(program, node, above)];
  return call(node.start, {
    urlAt: urlNode.start,
    url: parts,
    method: methodOf(links, node.start),
    headers: headersOf(links),
    ...bodyOf(links, urlNode, node.start),
    afterFailureOf: failuresBefore(node, above, program.text),
    retried: isRetried(node, above, program.text),
  });
};

/** The links of the chain that ends with the call, outermost first. */
const linksOf = ({ evaluator }: Program, last: Node, above: readonly Node[]): readonly Link[] => {
  const links: Link[] = [];
  let next: Node | undefined = last;
  while (next && isCall(next)) {
    const node: Node = next;
    const initializer = nodeIn(node, "initializer");
    const given = [...nodesIn(node, "arguments"), ...(initializer ? [initializer] : [])];
    const inside = [...above, node];
    links.push({
      name: calleeName(node) ?? "",
      given: given.map((each) => ({ node: each, value: evaluator.value(each, inside) })),
    });
    const callee: Node = bare(nodeIn(node, "callee")!);
    const object: Node | undefined = callee.type === "MemberExpression" ? nodeIn(callee, "object") : undefined;
    next = node.type === "CallExpression" && object ? bare(object) : undefined;
  }
  return links;
};

/** The calls and assignments that a function makes on the variable that holds the request. */
const linkedTo = (program: Program, node: Node, above: readonly Node[]): readonly Link[] => {
  const name = variableOf(node, above);
  const around = above.findLast(isFunction) ?? above[0];
  if (name === undefined || !around) return [];
  const links: Link[] = [];
  for (const { node: other, above: over } of walk(around)) {
    if (++program.budget.looked > MOST_LOOKED_AT) break;
    const inside = [...above.slice(0, above.indexOf(around)), ...over];
    if (isCall(other) && other !== node && !isInnerLink({ node: other, above: over }) && isMadeOn(other, name))
      links.push(...linksOf(program, other, inside));
    if (other.type !== "AssignmentExpression") continue;
    const [left, right] = [nodeIn(other, "left"), nodeIn(other, "right")];
    const path = pathOf(left);
    if (path?.startsWith(`${name}.`) && right)
      links.push(assigned(program, path.slice(name.length + 1), right, inside));
  }
  return links;
};

/** True if the chain of calls begins with the variable. */
const isMadeOn = (outermost: Node, name: string): boolean => {
  let node: Node | undefined = outermost;
  while (node) {
    const callee: Node | undefined = isCall(node) ? nodeIn(node, "callee") : node;
    const path = pathOf(callee);
    if (path !== undefined) return path.startsWith(`${name}.`);
    const of: Node | undefined = callee && nodeIn(bare(callee), "object");
    node = of && bare(of);
  }
  return false;
};

/** `request.Method = "POST"` as if it were an option of the request. */
const assigned = ({ evaluator }: Program, key: string, right: Node, above: readonly Node[]): Link => {
  const value = evaluator.value(right, above);
  const option: Value = { kind: "object", members: [{ key, value, at: right.start }], open: true, at: right.start };
  return { name: "=", given: [{ node: right, value: option }] };
};

const variableOf = (node: Node, above: readonly Node[]): string | undefined => {
  const outer = above.findLast((each) => /^(?:VariableDeclarator|AssignmentExpression)$/.test(each.type));
  const holder = outer && (nodeIn(outer, "init") ?? nodeIn(outer, "right"));
  if (outer && holder && bare(holder) === node) return pathOf(nodeIn(outer, "id") ?? nodeIn(outer, "left"));
  const callee = bare(nodeIn(node, "callee")!);
  return calleeName(node) === "open" ? pathOf(nodeIn(callee, "object")) : undefined;
};

/** Addresses of OCS that the program writes without a call that this linter knows, for example in a constant. */
const mentions = (program: Program, sent: readonly string[], consumed: ReadonlySet<Node>): readonly Call[] => {
  const found: Call[] = [];
  let inside: Range = { start: -1, end: -1 };
  for (const { node, above } of walk(program.tree)) {
    if (
      !isText(node) ||
      isTerm(node, above.at(-1)) ||
      consumed.has(node) ||
      (node.start >= inside.start && node.end <= inside.end)
    )
      continue;
    const parent = above.at(-1);
    if (parent && /^(?:Import|Export)\w+$/.test(parent.type)) continue;
    const value = program.evaluator.value(node, above);
    const written = withMarks(partsOf(value));
    if (value.kind !== "text" || sent.some((each) => each.startsWith(written) || each.endsWith(written))) continue;
    const url = readUrl(value.parts);
    if (destinationOf(url, program.isKnownAddress) !== "ocs" || !isWhole(url)) continue;
    inside = node;
    found.push(call(node.start, { url: value.parts }));
  }
  return found;
};

/** A part of a longer sum: the outermost has all of it. */
const isTerm = (node: Node, parent: Node | undefined): boolean =>
  parent?.type === "BinaryExpression" &&
  parent["operator"] === "+" &&
  (parent["left"] === node || parent["right"] === node);

const isText = (node: Node): boolean =>
  node.type === "TemplateLiteral" ||
  (node.type === "Literal" && typeof node["value"] === "string") ||
  (node.type === "BinaryExpression" && node["operator"] === "+");
