/** The buttons of a run's bars: an icon, with a word beside it where there is room. */
import { Button } from '@jupyterlab/ui-components';
import type { LabIcon } from '@jupyterlab/ui-components';
import { memo } from 'react';
import type { ReactElement } from 'react';

interface Looks {
  /** The `data-testid`. */
  name: string;
  /** What it does, in full. */
  title: string;
  icon?: LabIcon;
  label?: string;
}

export function BarButton({
  name,
  title,
  icon,
  label,
  isPressed,
  isDisabled = false,
  isBusy = false,
  isSubmit = false,
  onClick
}: Looks & {
  isPressed?: boolean;
  isDisabled?: boolean;
  isBusy?: boolean;
  isSubmit?: boolean;
  onClick?: () => void;
}): ReactElement {
  return (
    <Button
      type={isSubmit ? 'submit' : 'button'}
      minimal
      small
      className="jp-TooInstance-bar-button"
      aria-label={label ? undefined : title}
      aria-pressed={isPressed}
      aria-busy={isBusy}
      title={title}
      disabled={isDisabled || isBusy}
      data-testid={name}
      onClick={onClick}
    >
      <Face icon={icon} label={label} />
    </Button>
  );
}

/** A link that saves what is at an address. */
export function BarDownload({
  name,
  title,
  icon,
  label,
  href
}: Looks & { href: string }): ReactElement {
  return (
    <a
      className="jp-Button jp-mod-minimal jp-mod-small jp-TooInstance-bar-button"
      href={href}
      download=""
      aria-label={label ? undefined : title}
      title={title}
      data-testid={name}
    >
      <Face icon={icon} label={label} />
    </a>
  );
}

/** Bars are drawn with every frame of a log, their icons only once. */
const Face = memo(function Face({
  icon,
  label
}: Pick<Looks, 'icon' | 'label'>): ReactElement {
  return (
    <>
      {icon && <icon.react tag="span" width="16px" height="16px" />}
      {label}
    </>
  );
});
