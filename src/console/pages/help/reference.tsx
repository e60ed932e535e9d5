/** The parts of the reference as tables, and single rows of them by their addresses. */
import type { ComponentChildren } from "preact";
import { Keys } from "../../frame/keys-dialog.tsx";
import { COMMANDS, keysOf, type Command } from "../../keys.ts";
import { CodeLink } from "../../parts/code-link.tsx";
import { PlainTable } from "../../parts/data/plain-table.tsx";
import { Empty } from "../../parts/states.tsx";
import { hrefOf } from "../../router.ts";
import { hasRole, person } from "../../session.ts";
import { S } from "../../strings.ts";
import { glossaryIn, helpHref, type Content, type Section } from "./content.ts";
import { search } from "../../../documentation/search.ts";

type Props = { readonly content: Content; readonly name?: string | undefined };
type Reference = Exclude<Section, "docs">;

const { manual } = S;

/** `name`: one row; undefined: all. */
export const ReferencePart = ({ section, ...props }: Props & { readonly section: Reference }) => {
  const Component = TABLES[section];
  return (
    <>
      <Component {...props} />
      {props.name !== undefined && (
        <p>
          <a href={helpHref(section)}>{manual.all}</a>
        </p>
      )}
    </>
  );
};

const only = <Row,>(rows: readonly Row[], name: string | undefined, nameOf: (row: Row) => string): readonly Row[] =>
  name === undefined ? rows : rows.filter((row) => nameOf(row) === name);

const Unknown = () => (
  <Empty title={manual.unknown}>
    <p>{manual.unknownHelp}</p>
  </Empty>
);

type ListProps = {
  readonly caption: string;
  readonly head: readonly string[];
  readonly rows: readonly ComponentChildren[];
};

const List = ({ caption, head, rows }: ListProps) =>
  rows.length === 0 ? (
    <Unknown />
  ) : (
    <PlainTable caption={caption} head={head}>
      {rows}
    </PlainTable>
  );

const Codes = ({ content, name }: Props) => {
  const rows = only(content.codes, name, ({ code }) => code);
  const family = content.families.find(({ codes }) => name?.startsWith(`OCSGW-${codes[0]}`));
  return (
    <>
      {(rows.length > 0 || family === undefined) && (
        <List
          caption={manual.names.codes}
          head={[manual.code, manual.status, manual.title, manual.delivery, manual.advice]}
          rows={rows.map(({ code, status, title, delivery, advice }, place) => (
            <tr key={place}>
              <th scope="row">{name === undefined ? <CodeLink code={code} /> : <code>{code}</code>}</th>
              <td class="number">{status}</td>
              <td class="filter-cell">{title}</td>
              <td class="note-cell">{manual.deliveries[delivery]}</td>
              <td class="doc-cell">{advice}</td>
            </tr>
          ))}
        />
      )}
      {name !== undefined && family && <Code content={content} name={name} isRow={rows.length > 0} family={family} />}
    </>
  );
};

type CodeProps = {
  readonly content: Content;
  readonly name: string;
  readonly isRow: boolean;
  readonly family: Content["families"][number];
};

const Code = ({ content, name, isRow, family }: CodeProps) => {
  const { shown } = search(
    content.entries.filter(({ section }) => section === "docs" || section === "events"),
    name,
  );
  return (
    <section aria-labelledby="family">
      <h2 id="family">{manual.family}</h2>
      <p>{manual.familyOf(family.codes, family.about)}</p>
      {isRow && (
        <p>
          <a href={hrefOf("/flows", { filter: `code:${name}` })}>{manual.flows}</a>
        </p>
      )}
      {shown.length > 0 && (
        <>
          <h3>{manual.mentioned}</h3>
          <ul class="help-links">
            {shown.map(({ href, title }) => (
              <li key={href}>
                <a href={href}>{title}</a>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
};

const Events = ({ content, name }: Props) => (
  <List
    caption={manual.names.events}
    head={[manual.event, manual.level, manual.message, manual.action, manual.fields]}
    rows={only(content.events, name, (each) => each.name).map(({ name: event, level, message, action, fields }) => (
      <tr key={event}>
        <th scope="row">
          <a class="mono" href={helpHref("events", event)}>
            {event}
          </a>
        </th>
        <td>{level}</td>
        <td class="doc-cell">{message}</td>
        <td class="doc-cell">{action ?? manual.nothing}</td>
        <td class="doc-cell">
          {fields.map((field) => (
            <div key={field.name}>
              <code>{field.name}</code> {field.meaning}
            </div>
          ))}
        </td>
      </tr>
    ))}
  />
);

const Metrics = ({ content, name }: Props) => (
  <List
    caption={manual.names.metrics}
    head={[manual.metric, manual.type, manual.help]}
    rows={only(content.metrics, name, (each) => each.name).map(({ name: metric, type, help }) => (
      <tr key={metric}>
        <th scope="row">
          <a class="mono" href={helpHref("metrics", metric)}>
            {metric}
          </a>
        </th>
        <td>{type}</td>
        <td class="doc-cell">{help}</td>
      </tr>
    ))}
  />
);

/** Of a section, also what is in it: /help/config/audit shows audit.dir too. */
const Settings = ({ content, name }: Props) => {
  const rows = content.settings.filter(
    ({ key }) => name === undefined || key === name || key.startsWith(`${name}.`) || key.startsWith(`${name}[`),
  );
  const isShown =
    name !== undefined && rows.length > 0 && hasRole(["operator", "auditor"]) && person()?.tenants === "all";
  return (
    <>
      <List
        caption={manual.names.config}
        head={[manual.key, manual.default, manual.explanation]}
        rows={rows.map(({ key, required, default: fallback, explanation }) => (
          <tr key={key}>
            <th scope="row" class="filter-cell">
              <a class="mono" href={helpHref("config", key)}>
                {key}
              </a>
            </th>
            <td class="filter-cell">
              {required ? manual.required : fallback === null ? manual.noDefault : <code>{fallback}</code>}
            </td>
            <td class="doc-cell">{explanation}</td>
          </tr>
        ))}
      />
      {isShown && (
        <p>
          <a href={hrefOf("/config", { find: name })}>{manual.inForce}</a>
        </p>
      )}
    </>
  );
};

const Glossary = ({ content, name }: Props) => (
  <List
    caption={manual.names.glossary}
    head={[manual.word, manual.meaning]}
    rows={only(glossaryIn(content.docs), name, ([word]) => word).map(([word, meaning]) => (
      <tr key={word}>
        <th scope="row">
          <a href={helpHref("glossary", word)}>{word}</a>
        </th>
        <td class="doc-cell">{meaning}</td>
      </tr>
    ))}
  />
);

const ConsoleKeys = () => (
  <List
    caption={manual.names.keys}
    head={[manual.keyOf, manual.command]}
    rows={(Object.keys(COMMANDS) as Command[]).map((command) => (
      <tr key={command}>
        <th scope="row">{keysOf(command).length === 0 ? manual.noKey : <Keys command={command} />}</th>
        <td>{COMMANDS[command].says}</td>
      </tr>
    ))}
  />
);

const TABLES = {
  codes: Codes,
  events: Events,
  metrics: Metrics,
  config: Settings,
  glossary: Glossary,
  keys: ConsoleKeys,
} as const;
