/** The settings in force: each key with its value, where it comes from, and what it means. */
import { useEffect, useState } from "preact/hooks";
import type { EffectiveConfig } from "../../../admin/schemas/config-view.ts";
import { get } from "../../api.ts";
import { looksPersonal } from "../../filter-text.ts";
import { usePaged } from "../../load.ts";
import { AnyText } from "../../parts/any-text.tsx";
import { PlainTable } from "../../parts/data/plain-table.tsx";
import { Empty, ErrorStrip, Skeleton } from "../../parts/states.tsx";
import { address, setQuery } from "../../router.ts";
import { S } from "../../strings.ts";

type Row = EffectiveConfig["rows"][number];

const PAGE = 100;
/** After the last key press. */
const PAUSE_MS = 250;

export const SettingsPart = () => {
  const { find = "", section = "" } = address.value.query;
  const [sections, setSections] = useState<readonly string[]>([]);
  return (
    <section class="evidence-part" aria-labelledby="settings">
      <h2 id="settings">{S.config.settings}</h2>
      <p class="muted">{S.config.settingsHelp}</p>
      <Search find={find} section={section} sections={sections} />
      <List key={`${section} ${find}`} find={find} section={section} onSections={setSections} />
    </section>
  );
};

type SearchProps = { readonly find: string; readonly section: string; readonly sections: readonly string[] };

const Search = ({ find, section, sections }: SearchProps) => {
  const [text, setText] = useState(find);
  const isPersonal = looksPersonal(text);
  useEffect(() => setText(find), [find]);
  useEffect(() => {
    if (isPersonal || text.trim() === find) return;
    const timer = setTimeout(() => setQuery({ find: text.trim() }), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, find]);
  return (
    <form
      class="config-search"
      role="search"
      aria-label={S.config.settings}
      onSubmit={(event) => event.preventDefault()}
    >
      <label class="field">
        <span class="field-label">{S.config.find}</span>
        <input
          type="search"
          autocomplete="off"
          spellcheck={false}
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>
      <label class="field">
        <span class="field-label">{S.config.section}</span>
        <select value={section} onChange={({ currentTarget: { value } }) => setQuery({ section: value })}>
          <option value="">{S.config.all}</option>
          {[...new Set([...sections, ...(section === "" ? [] : [section])])].map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
      </label>
      {isPersonal && <p role="alert">{S.config.personalSearch}</p>}
    </form>
  );
};

type ListProps = {
  readonly find: string;
  readonly section: string;
  readonly onSections: (sections: readonly string[]) => void;
};

const List = ({ find, section, onSections }: ListProps) => {
  const { value, rows, error, again, more } = usePaged(
    (cursor, signal) =>
      get<EffectiveConfig>(
        "/api/config",
        { ...(find !== "" && { find }), ...(section !== "" && { section }), cursor, limit: PAGE },
        signal,
      ),
    (reply) => reply.rows,
  );
  useEffect(() => value && onSections(value.sections), [value?.hash]);
  const isEmpty = value && rows.length === 0;
  return (
    <>
      {error !== undefined && <ErrorStrip error={error} retry={again} />}
      {isEmpty && (
        <Empty title={S.config.none}>
          <p>{S.config.noneHelp}</p>
        </Empty>
      )}
      {rows.length > 0 && <Table rows={rows} file={value?.file ?? ""} />}
      {!value && error === undefined && <Skeleton rows={10} />}
      {more && (
        <button type="button" class="more" onClick={more}>
          {S.config.more}
        </button>
      )}
    </>
  );
};

const HEAD = [S.config.key, S.config.value, S.config.origin, S.config.explanation];

const Table = ({ rows, file }: { readonly rows: readonly Row[]; readonly file: string }) => (
  <PlainTable caption={S.config.caption} head={HEAD}>
    {rows.map((row) => (
      <tr key={row.key}>
        <th scope="row" class="filter-cell">
          <a class="mono" href={helpFor(row)} aria-label={S.config.meaning(row.key)}>
            <AnyText text={row.key} whole />
          </a>
          {row.entry !== null && (
            <div class="muted">
              <AnyText text={row.entry} />
            </div>
          )}
        </th>
        <td class="filter-cell">
          <Value row={row} />
        </td>
        <td class="note-cell">
          <Origin row={row} file={file} />
        </td>
        <td class="meaning-cell">{row.explanation}</td>
      </tr>
    ))}
  </PlainTable>
);

const Value = ({ row: { value, hidden, is_cut: isCut } }: { readonly row: Row }) => (
  <>
    <span class="mono">
      <AnyText text={value} />
    </span>
    {hidden !== null && <div class="muted">{S.config.hidden[hidden]}</div>}
    {isCut && <div class="muted">{S.config.cut}</div>}
  </>
);

/** A map from names to values is explained as a whole. */
const helpFor = ({ rule }: Row): string =>
  `/help/config/${encodeURIComponent(rule.replace(/\.<(?:name|action)>$/, ""))}`;

/** Without the folder of the config file. */
const nameOf = (file: string, main: string): string => {
  const folder = main.replace(/[^\\/]*$/, "");
  return file.startsWith(folder) ? file.slice(folder.length) : file;
};

const Origin = ({ row: { origin, sources, at }, file }: { readonly row: Row; readonly file: string }) => (
  <>
    {origin === "default" && <span class="muted">{S.config.origins.default}</span>}
    {origin === "file" && at === null && S.config.origins.file}
    {sources.map((source) => (
      <div key={source.kind === "file" ? source.path : source.name}>
        <AnyText
          text={source.kind === "file" ? S.config.namedFile(source.path) : S.config.variable(source.name, source.isSet)}
        />
      </div>
    ))}
    {at !== null && <AnyText text={`${nameOf(at.file, file)}:${at.line}`} />}
  </>
);
