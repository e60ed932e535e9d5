import type { Attributes, AttributeValue } from "../../ocs/body.ts";
import type { Repeat } from "../../ocs/catalog.ts";
import { singleQuoted, xml } from "./quote.ts";
import type { SnippetRequest } from "./request.ts";

/** An SCXML strategy for Genesys Orchestration Server. Its attributes are expressions of ECMAScript. */
export const ors = (request: SnippetRequest): string => `\
<?xml version="1.0" encoding="UTF-8"?>
<scxml version="1.0" initial="send" xmlns="http://www.w3.org/2005/07/scxml"
       xmlns:session="http://www.genesyslab.com/modules/session">
  <!-- Name the gateway here, and not the address in GSW_RECORD_URI. The credential is in a list object. -->
  <datamodel>
    <data id="gateway" expr="'https://ocs-gw.example.internal:8443'"/>
    <data id="client" expr="_genesys.session.getListItemValue('ocs-gateway', 'credential', 'client')"/>
    <data id="key" expr="_genesys.session.getListItemValue('ocs-gateway', 'credential', 'key')"/>
    <data id="request"/>
${request.body === "" ? "" : `    <data id="body" expr="${xml(literal(request.attributes))}"/>\n`}\
  </datamodel>
  <state id="send">
    <onentry>
${fetchElement(request)}\
    </onentry>
    <transition event="session.fetch.done" cond="_event.data.requestid == _data.request" target="done"/>
    <transition event="error.session.fetch" cond="_event.data.requestid == _data.request" target="refused"/>
  </state>
  <!-- The description begins with the code, OCS's or the gateway's (OCSGW-nnnn). ${REPEAT[request.action.repeat]} -->
  <state id="refused">
    <onentry>
      <log expr="'OCS: ' + _event.data.error + ' ' + _event.data.description"/>
    </onentry>
    <transition target="done"/>
  </state>
  <final id="done"/>
</scxml>
`;

const REPEAT: Readonly<Record<Repeat, string>> = {
  safe: "After no answer the same request may be sent again.",
  "check-first": "After no answer read the group's status first.",
  no: "After no answer do not send the same request again: it may happen twice.",
};

const fetchElement = ({ action, target, body }: SnippetRequest): string => {
  const start = `\
      <session:fetch requestid="_data.request" srcexpr="_data.gateway + ${xml(singleQuoted(target))}"
                     method="'${action.method.toLowerCase()}'" timeout="30"
                     username="_data.client" password="_data.key"`;
  if (body === "") return `${start}/>\n`;
  return `\
${start} type="'application/json'">
        <content expr="JSON.stringify(_data.body)"/>
      </session:fetch>
`;
};

/** On one line. An integer that ECMAScript cannot keep exact becomes a string. */
const literal = (value: AttributeValue): string => {
  if (typeof value === "number") return `${value}`;
  if (typeof value !== "object") return singleQuoted(`${value}`);
  const members = [...(value as Attributes)].map(([name, each]) => `${singleQuoted(name)}: ${literal(each)}`);
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
};
