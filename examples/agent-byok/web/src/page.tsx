import { type ReactNode, useEffect, useRef } from 'react';

/** Props of {@link Page}. */
export interface PageProps {
  readonly title: string;
  readonly lead: ReactNode;
  /** What can be done here first; beside the title. */
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** A page of the shell. Its title takes the focus when the page opens, as after a load. */
export function Page({ title, lead, actions, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Errand`;
    heading.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [title]);
  return (
    <div className="page">
      <header>
        <div>
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          <p className="hint">{lead}</p>
        </div>
        {actions}
      </header>
      <div className="stack">{children}</div>
    </div>
  );
}
