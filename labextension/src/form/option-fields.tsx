/** The options of a tool as fields under their headings, with a filter where they are many. */
import { HTMLSelect, InputGroup } from '@jupyterlab/ui-components';
import { useCallback, useId, useMemo, useState } from 'react';
import type { ReactElement } from 'react';

import { bareName } from '../api/types';
import type { Interface, Subcommand } from '../api/types';
import { useGiven } from '../context';
import { Argv } from './argv';
import type { Value, Values } from './arguments';
import type { FileChoice } from './file-choice';
import { Fold } from './fold';
import type { FormModel } from './model';
import { OptionField } from './option-field';
import { filtered, groupsOf, keyOf } from './options';
import type { Group } from './options';

const MOST_WITHOUT_FILTER = 12;

export function OptionFields({
  form,
  offers,
  files
}: {
  form: FormModel;
  offers: Interface;
  files: FileChoice;
}): ReactElement {
  const { trans } = useGiven();
  const [text, setText] = useState('');
  const { values, sub_values, subcommand, rest } = form.arguments.form;
  const chosen = offers.subcommands.find(({ name }) => name === subcommand);
  const own = useMemo(
    () =>
      groupsOf(
        offers.arguments,
        offers.options,
        trans,
        offers.subcommands.length > 0 ? bareName(form.tool) : undefined
      ),
    [offers, trans, form.tool]
  );
  const below = useMemo(
    () =>
      chosen
        ? groupsOf(chosen.arguments, chosen.options, trans, chosen.name)
        : [],
    [chosen, trans]
  );
  const setOwn = useCallback(
    (key: string, value: Value | undefined) => {
      const before = form.arguments.form.values;
      form.arguments.setForm({ values: changed(before, key, value) });
    },
    [form]
  );
  const setBelow = useCallback(
    (key: string, value: Value | undefined) => {
      const before = form.arguments.form.sub_values;
      form.arguments.setForm({ sub_values: changed(before, key, value) });
    },
    [form]
  );
  const count = [...own, ...below].flatMap(({ options }) => options).length;
  const isLong = count > MOST_WITHOUT_FILTER;
  const shared = { files, text: isLong ? text : '', isLong };
  return (
    <section
      className="jp-TooInstance-options"
      aria-label={trans.__('Options of the tool')}
    >
      {isLong && (
        <InputGroup
          type="search"
          rightIcon="ui-components:search"
          placeholder={trans.__('Filter %1 options', count)}
          aria-label={trans.__('Filter the options')}
          data-testid="tooi-form-filter"
          value={text}
          onChange={event => {
            setText(event.currentTarget.value);
          }}
        />
      )}
      {offers.subcommands.length > 0 && (
        <SubcommandField
          subcommands={offers.subcommands}
          chosen={chosen}
          onChange={name => {
            form.arguments.setForm({
              subcommand: name,
              sub_values: {}
            });
          }}
        />
      )}
      {chosen && (
        <Groups
          {...shared}
          groups={below}
          values={sub_values}
          onChange={setBelow}
        />
      )}
      <Groups {...shared} groups={own} values={values} onChange={setOwn} />
      {rest.length > 0 && (
        <div className="jp-TooInstance-form-rest">
          {trans.__('Passed on as typed:')} <Argv argv={rest} />
        </div>
      )}
    </section>
  );
}

function SubcommandField({
  subcommands,
  chosen,
  onChange
}: {
  subcommands: readonly Subcommand[];
  chosen: Subcommand | undefined;
  onChange: (name: string | null) => void;
}): ReactElement {
  const { trans } = useGiven();
  const id = useId();
  return (
    <div className="jp-TooInstance-option">
      <label htmlFor={id}>{trans.__('Subcommand')}</label>
      <HTMLSelect
        id={id}
        data-testid="tooi-form-subcommand"
        aria-describedby={chosen?.help ? `${id}-help` : undefined}
        value={chosen?.name ?? ''}
        onChange={({ currentTarget }) => {
          onChange(currentTarget.value || null);
        }}
      >
        <option value="">{trans.__('none')}</option>
        {subcommands.map(({ name }) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </HTMLSelect>
      {chosen?.help && (
        <div className="jp-TooInstance-help" id={`${id}-help`}>
          {chosen.help}
        </div>
      )}
    </div>
  );
}

interface GroupsProps {
  groups: readonly Group[];
  values: Values;
  files: FileChoice;
  text: string;
  isLong: boolean;
  onChange: (key: string, value: Value | undefined) => void;
}

function Groups(props: GroupsProps): ReactElement {
  const { groups, values, text, isLong, files, onChange } = props;
  const { trans } = useGiven();
  const shown = text.trim() ? filtered(groups, text) : groups;
  if (shown.length === 0 && text.trim()) {
    return <p>{trans.__('No option matches.')}</p>;
  }
  return (
    <>
      {shown.map(({ title, options }, index) => (
        <Fold
          key={`${title} ${text.trim() !== ''}`}
          title={title}
          count={isLong ? options.length : undefined}
          isWanted={
            !isLong ||
            index === 0 ||
            text.trim() !== '' ||
            options.some(one => one.is_required || keyOf(one) in values)
          }
        >
          <div className="jp-TooInstance-options-grid">
            {options.map(option => (
              <OptionField
                key={keyOf(option)}
                option={option}
                value={values[keyOf(option)]}
                files={files}
                onChange={onChange}
              />
            ))}
          </div>
        </Fold>
      ))}
    </>
  );
}

function changed(
  before: Values,
  key: string,
  value: Value | undefined
): Record<string, Value> {
  const rest = Object.entries(before).filter(([name]) => name !== key);
  return Object.fromEntries(
    value === undefined ? rest : [...rest, [key, value]]
  );
}
