/** The colours of a terminal in JupyterLab's own classes and in CSS. */
import type { CSSProperties } from 'react';

import {
  BOLD,
  FAINT,
  HIDDEN,
  INVERSE,
  ITALIC,
  PLAIN,
  STRIKE,
  UNDERLINE
} from './ansi';
import type { Style } from './ansi';

const NAMES = [
  'black',
  'red',
  'green',
  'yellow',
  'blue',
  'magenta',
  'cyan',
  'white'
];
const LEVELS = [0, 95, 135, 175, 215, 255];

export interface Look {
  className?: string;
  style?: CSSProperties;
}

/** Return what a span in a style is drawn with. */
export function lookOf(style: Style): Look {
  if (style === PLAIN) {
    return {};
  }
  const { flags } = style;
  const isInverse = (flags & INVERSE) !== 0;
  const front = isInverse ? style.background : style.foreground;
  const back = isInverse ? style.foreground : style.background;
  const classes: string[] = [];
  const css: CSSProperties = {};
  if (front >= 0 && front < 16) {
    classes.push(`ansi-${nameOf(front)}-fg`);
  } else if (front >= 0) {
    css.color = cssOf(front);
  } else if (isInverse) {
    classes.push('ansi-default-inverse-fg');
  }
  if (back >= 0 && back < 16) {
    classes.push(`ansi-${nameOf(back)}-bg`);
  } else if (back >= 0) {
    css.backgroundColor = cssOf(back);
  } else if (isInverse) {
    classes.push('ansi-default-inverse-bg');
  }
  if (flags & BOLD) {
    classes.push('ansi-bold');
  }
  if (flags & FAINT) {
    css.opacity = 0.7;
  }
  if (flags & ITALIC) {
    css.fontStyle = 'italic';
  }
  if (flags & HIDDEN) {
    css.visibility = 'hidden';
  }
  const lines = [
    flags & UNDERLINE ? 'underline' : '',
    flags & STRIKE ? 'line-through' : ''
  ].filter(Boolean);
  if (lines.length > 0) {
    css.textDecoration = lines.join(' ');
  }
  return { className: classes.join(' ') || undefined, style: css };
}

function nameOf(colour: number): string {
  return `${NAMES[colour % 8] ?? 'black'}${colour >= 8 ? '-intense' : ''}`;
}

function cssOf(colour: number): string {
  if (colour >= 0x1000000) {
    return `#${(colour - 0x1000000).toString(16).padStart(6, '0')}`;
  }
  if (colour >= 232) {
    const grey = 8 + 10 * (colour - 232);
    return `rgb(${grey} ${grey} ${grey})`;
  }
  // the cube of 6 × 6 × 6 colours that xterm has
  const place = colour - 16;
  const level = (index: number) => LEVELS[index] ?? 0;
  return `rgb(${level(Math.floor(place / 36))} ${level(Math.floor(place / 6) % 6)} ${level(place % 6)})`;
}
