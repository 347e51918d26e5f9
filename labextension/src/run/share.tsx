/** Who else sees a run: its access list, and links that work without an account here. */
import { Clipboard } from '@jupyterlab/apputils';
import { URLExt } from '@jupyterlab/coreutils';
import { useCallback, useEffect, useRef, useState } from 'react';
import type { ReactElement } from 'react';

import type { Link, Run } from '../api/types';
import { useGiven } from '../context';
import { AccessEditor } from '../parts/access';
import { Problem } from '../parts/problem';
import { ago } from '../words';
import { BarButton } from './button';
import type { RunModel } from './model';

const DAY_S = 86_400;
const LOOPBACK = /^https?:\/\/(localhost|127\.|\[::1\])/;

export function Share({
  model,
  run
}: {
  model: RunModel;
  run: Run;
}): ReactElement {
  const { trans } = useGiven();
  const [error, setError] = useState<unknown>();
  // until the server has it; each change is made to the one before
  const [wanted, setWanted] = useState<readonly string[]>();
  const saving = useRef(Promise.resolve());
  const save = (access: string[]) => {
    setError(undefined);
    setWanted(access);
    const saved: Promise<void> = saving.current
      .then(() => model.update({ access }))
      .catch(setError)
      .then(() => {
        if (saving.current === saved) {
          setWanted(undefined);
        }
      });
    saving.current = saved;
  };
  return (
    <section
      className="jp-TooInstance-share"
      aria-label={trans.__('Share the run')}
      data-testid="tooi-run-sharing"
    >
      <h3>{trans.__('People and groups')}</h3>
      <AccessEditor value={wanted ?? run.access} onChange={save} />
      {error !== undefined && <Problem error={error} />}
      <Links model={model} number={run.number} />
    </section>
  );
}

function Links({
  model,
  number
}: {
  model: RunModel;
  number: number;
}): ReactElement {
  const { trans } = useGiven();
  const { api } = model;
  const [links, setLinks] = useState<readonly Link[]>([]);
  const [days, setDays] = useState(7);
  const [address, setAddress] = useState<string>();
  const [isCopied, setIsCopied] = useState(false);
  const [error, setError] = useState<unknown>();
  const refresh = useCallback(
    () => api.links(number).then(setLinks, setError),
    [api, number]
  );
  useEffect(() => {
    void refresh();
  }, [refresh]);

  const create = async () => {
    setError(undefined);
    const { token } = await api.createLink(number, days * DAY_S);
    const page = URLExt.join(
      api.settings.baseUrl,
      'tooinstance/shared',
      encodeURIComponent(token)
    );
    setAddress(new URL(page, location.href).href);
    setIsCopied(false);
    await refresh();
  };
  const valid = links.filter(
    link => link.revoked_at === null && Date.parse(link.expires_at) > Date.now()
  );
  return (
    <>
      <h3>{trans.__('Links')}</h3>
      <p className="jp-TooInstance-hint">
        {trans.__('Whoever has a link sees this run, until it expires.')}
      </p>
      <form
        className="jp-TooInstance-share-new"
        onSubmit={event => {
          event.preventDefault();
          create().catch(setError);
        }}
      >
        <label className="jp-TooInstance-share-days">
          {trans.__('Valid for')}{' '}
          <select
            className="jp-mod-styled"
            data-testid="tooi-link-days"
            value={days}
            onChange={event => {
              setDays(Number(event.target.value));
            }}
          >
            {[1, 7, 30].map(count => (
              <option key={count} value={count}>
                {trans._n('%1 day', '%1 days', count)}
              </option>
            ))}
          </select>
        </label>
        <BarButton
          isSubmit
          name="tooi-link-create"
          label={trans.__('Create a link')}
          title={trans.__('Create a link to this run')}
        />
      </form>
      {address !== undefined && (
        <div className="jp-TooInstance-share-address">
          <input
            className="jp-mod-styled"
            type="text"
            readOnly
            value={address}
            aria-label={trans.__('Address of the new link')}
            data-testid="tooi-link-address"
            onFocus={event => {
              event.target.select();
            }}
          />
          <BarButton
            name="tooi-link-copy"
            label={isCopied ? trans.__('Copied') : trans.__('Copy')}
            title={trans.__('Copy the link')}
            onClick={() => {
              Clipboard.copyToSystem(address);
              setIsCopied(true);
            }}
          />
          <p className="jp-TooInstance-hint">
            {trans.__('Copy it now: it is not shown again.')}{' '}
            {LOOPBACK.test(address) &&
              trans.__('It leads to this machine, and opens on no other one.')}
          </p>
        </div>
      )}
      {error !== undefined && <Problem error={error} />}
      {valid.length > 0 && (
        <ul aria-label={trans.__('Links that work')}>
          {valid.map(link => (
            <li key={link.id}>
              <span>
                {trans.__('Made %1', ago(link.created_at, undefined))} ·{' '}
                {trans.__('expires %1', ago(link.expires_at, undefined))}
              </span>
              <BarButton
                name="tooi-link-revoke"
                label={trans.__('Revoke')}
                title={trans.__('Revoke the link')}
                onClick={() => {
                  api.revokeLink(link.id).then(() => {
                    setAddress(undefined);
                    return refresh();
                  }, setError);
                }}
              />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
