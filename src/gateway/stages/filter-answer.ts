/**
 * What of OCS's answer may this tenant see? The whole answer, unchanged; of the list of all campaign groups only its
 * own groups.
 */
import { createHash } from "node:crypto";
import { ANSWER_HEADERS, MESSAGE_TYPES } from "../../ocs/answer-tables.ts";
import { bytesOf, headerOf, type Arrival, type HeaderLine } from "../../common/message.ts";
import type { KeptAnswer } from "../../idempotency/types.ts";
import { grantsGroup } from "../../tenancy/grants.ts";
import { isAnswerTo, readGroups, type Group } from "../match-answer.ts";
import type { Answer, Order, OpenReply } from "../types.ts";

export const filterAnswer = (arrival: Arrival, order: Order, answer: Answer): OpenReply => {
  const { action, identifier } = order.operation;
  const listsAll = action.name === "ReadStatus" && identifier === undefined && answer.status === 200;
  return listsAll
    ? filterGroups(arrival, order, answer)
    : { status: answer.status, headers: documentedHeaders(answer.headers), body: answer.body };
};

/** The reply to a repeat: what the client got first. */
export const replayAnswer = ({ status, headers, body }: KeptAnswer): OpenReply => ({
  status,
  headers: [...headers],
  body,
});

/** What of an answer is kept for repeats; of a longer body nothing. */
export const keptAnswer = ({ status, headers, body }: Answer): KeptAnswer => ({
  status,
  headers: documentedHeaders(headers),
  body: body.length > LONGEST_KEPT ? bytesOf("") : body,
});

const LONGEST_KEPT = 64 * 1024;

const documentedHeaders = (headers: readonly HeaderLine[]): HeaderLine[] => {
  const kept: HeaderLine[] = [];
  for (const name of ANSWER_HEADERS) {
    const value = headerOf(headers, name);
    if (value !== undefined) kept.push([name, value]);
  }
  return kept;
};

/** The fields of a group that the manual documents; others are removed. */
const GROUP_FIELDS = [
  "GSW_CM_AttrReferenceID",
  "GSW_CM_AttrCampaignID",
  "GSW_CM_AttrGroupID",
  "GSW_CM_AttrDialMode",
  "GSW_CM_AttrOptimizeBy",
  "GSW_CM_AttrOptimizeGoal",
  "GSW_CM_AttrGroupCampStatus",
  "GSW_CM_AttrProperties",
  "GSW_SWITCH_DBID",
];

/** Makes body and Etag from this caller's groups only, so that they reveal nothing about other groups. */
const filterGroups = (arrival: Arrival, order: Order, answer: Answer): OpenReply => {
  const groups = readGroups(answer.body) ?? {};
  const grant = order.owner.clients.get(order.client)!;
  const own = [...order.owner.campaignGroups.values()]
    .filter(({ dbid }) => grantsGroup(grant, dbid))
    .sort((a, b) => a.dbid - b.dbid);
  const visible = Object.fromEntries(
    own.flatMap((group) => {
      const found = groups[group.name];
      return isAnswerTo(group, found) ? [[group.name, pick(found, GROUP_FIELDS)]] : [];
    }),
  );
  const text = JSON.stringify({ GSW_CM_MessageType: MESSAGE_TYPES.allGroups, CampaignGroups: visible }, undefined, 2);
  const etag = `"${createHash("sha256").update(`${order.owner.dbid}\0${text}`).digest("base64url").slice(0, 22)}"`;
  const headers: HeaderLine[] = [
    ...documentedHeaders(answer.headers).filter(([name]) => name !== "Etag"),
    ["Etag", etag],
  ];
  if (matchesEtag(headerOf(arrival.headers, "If-None-Match"), etag))
    return { status: 304, headers: headers.filter(([name]) => name !== "Content-type"), body: bytesOf("") };
  return { status: 200, headers, body: bytesOf(text) };
};

const pick = (from: Group, names: readonly string[]): Group =>
  Object.fromEntries(names.flatMap((name) => (Object.hasOwn(from, name) ? [[name, from[name]]] : [])));

/** If-None-Match (RFC 9110, 13.1.2): weak comparison with each Etag of the list; `*` matches any. */
const matchesEtag = (wanted: string | undefined, etag: string): boolean =>
  wanted !== undefined &&
  wanted.split(",").some((each) => each.trim() === "*" || each.trim().replace(/^W\//, "") === etag);
