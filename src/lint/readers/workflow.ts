/**
 * Workflows and callflows of Genesys Composer: XML with blocks. The variables of the Entry block are expressions; the
 * attributes of a block are expressions or texts. A block that is about OCS names its action by its type.
 */
import { call, joined, NOTHING, partsOf, unknown, type Call, type Reading, type Value } from "../calls.ts";
import { parsed } from "../script/evaluate-call.ts";
import { destinationOf, readUrl, type Url } from "../url.ts";
import { Document } from "./document.ts";
import type { Reader } from "./reader.ts";
import { elementsOf, localName, readXml, type Element, type XmlText } from "./xml.ts";

/** The types of blocks that send a request to OCS, and the action that each asks for. */
const OCS_BLOCKS: readonly (readonly [RegExp, string])[] = [
  [/AddRecord/i, "AddRecord"],
  [/CancelRecord/i, "RequestRecordCancel"],
  [/DoNotCall/i, "DoNotCall"],
  [/RecordProcessed/i, "RecordProcessed"],
  [/Resched\w*Record|RecordResched/i, "RecordReschedule"],
  [/RejectRecord|RecordReject/i, "RecordReject"],
  [/UpdateRecord/i, "UpdateCallCompletionStats"],
];

export const readWorkflow: Reader = (source) => {
  const { root, faults } = readXml(source.text);
  if (!root) return { ...NOTHING, faults: faults.length > 0 ? faults : [{ at: 0, message: "no XML element" }] };
  const document = new Document(source);
  const elements = [...elementsOf(root)];
  for (const element of elements) remember(document, element);
  const read = joined(elements.filter(isBlock).map((block) => readBlock(document, block)));
  return { ...joined([read, document.readScripts()]), faults: [...faults, ...document.faults] };
};

const typeOf = ({ attributes }: Element): string =>
  (attributes.get("xmi:type") ?? attributes.get("xsi:type"))?.text ?? "";

const isBlock = (element: Element): boolean => localName(element) === "blocks" || typeOf(element).endsWith("Block");

const remember = (document: Document, element: Element): void => {
  const { attributes } = element;
  const [name, value] = [attributes.get("name"), attributes.get("value")];
  if (localName(element) === "variables" && name && value) {
    // Blocks change the other variables at run time, in ways that only Composer's generated code shows.
    if (isAddress(document.valueOrText(value))) document.define(name.text, value);
    return;
  }
  const script = attributes.get("script");
  if (isBlock(element) && script && script.text.trim() !== "") document.script(script);
};

const isAddress = (value: Value): boolean => {
  const { authority, fromRecordUri } = readUrl(partsOf(value));
  return fromRecordUri || (authority !== undefined && authority !== "");
};

type Setting = { readonly name: string; readonly written: XmlText; readonly value: Value };

const readBlock = (document: Document, block: Element): Reading => {
  const settings = [block, ...[...elementsOf(block)].slice(1)]
    .flatMap((element) => settingsOf(document, element))
    .filter(({ name }) => !/^(?:script|xmi:|xsi:|id$|category|condition)/.test(name));
  const urls = settings.map((setting) => ({ setting, url: readUrl(partsOf(setting.value)) }));
  const known = urls.find(({ url }) => destinationOf(url, document.source.isKnownAddress) === "ocs" && isTarget(url));
  const action = OCS_BLOCKS.find(([type]) => type.test(typeOf(block)))?.[1];
  if (known) return { ...NOTHING, calls: [callOf(block, settings, known.setting)] };
  if (action === undefined) return undecided(block, urls);
  const base = urls.find(({ url }) => url.fromRecordUri);
  const at = base?.setting.written.at ?? block.at;
  return {
    ...NOTHING,
    calls: [call(block.at, { urlAt: at, url: base ? partsOf(base.setting.value) : [], action })],
    undecided: [{ at: block.at, what: `the parameters of the block "${nameOf(block)}" are set in Composer` }],
  };
};

const isTarget = ({ path, query, authority }: Url): boolean =>
  path !== "" || query !== undefined || authority !== undefined;

/** Attributes, and children with a name and a value. */
const settingsOf = (document: Document, element: Element): readonly Setting[] => {
  const [name, value] = [element.attributes.get("name"), element.attributes.get("value")];
  const pairs: (readonly [string, XmlText])[] =
    name && value ? [[name.text, value]] : [...element.attributes].filter(([key]) => key !== "name");
  return pairs.map(([key, written]) => ({ name: key, written, value: document.valueOrText(written) }));
};

const callOf = (block: Element, settings: readonly Setting[], url: Setting): Call => {
  const named = (pattern: RegExp): Setting | undefined =>
    settings.find((each) => each !== url && pattern.test(each.name));
  const method = named(/method/i);
  const body = named(/^(?:\w*body|\w*content|payload|\w*json\w*|data)$/i);
  const value = body && (parsed(body.value) ?? body.value);
  return call(block.at, {
    urlAt: url.written.at,
    url: partsOf(url.value),
    method: method?.value ?? unknown(block.at),
    body: value ?? unknown(block.at),
  });
};

/** A block for web requests whose address only the running workflow knows. */
const undecided = (block: Element, urls: readonly { readonly setting: Setting; readonly url: Url }[]): Reading => {
  if (!/WebRequest|WebService|HTTPRequest|REST/i.test(typeOf(block))) return NOTHING;
  const unknownUrl = urls.find(({ setting }) => /uri|url/i.test(setting.name) && setting.value.kind === "unknown");
  return unknownUrl
    ? {
        ...NOTHING,
        undecided: [{ at: unknownUrl.setting.written.at, what: "the URL of a block is computed at run time" }],
      }
    : NOTHING;
};

const nameOf = ({ attributes }: Element): string => attributes.get("name")?.text ?? "";
