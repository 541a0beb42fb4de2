import { reportOf } from './report';
import { renderReportPage } from './report-page';
import { discrepancy, facts, failure, LATER, resolved } from './report.fixture';

const pageOf = (given: Parameters<typeof facts>[0]) => renderReportPage(reportOf(facts(given)));

describe('the report as a page', () => {
  it('shows balances, what open ones explain of the difference, and that nothing is left', () => {
    const page = pageOf({ open: [discrepancy()] });
    expect(page).toMatch(
      /stripe:clearing \(USD\)[^]*100[^]*125[^]*25[^]*Of open discrepancies \(USD\)[^]*-25[^]*Not explained \(USD\)[^]*>0</,
    );
    expect(page).toMatch(/transaction unexplained[^]*txn_1[^]*A charge made by hand\.[^]*3 days[^]*25 USD/);
    expect(page).toContain('Something does not match.');
  });

  it('shows why something was waived, and who did', () => {
    expect(pageOf({ waived: [resolved(null)] })).toMatch(/Waived[^]*It was a test\. \(Ada\)/);
  });

  it('says that a side could not be asked', () => {
    const page = pageOf({ outcomes: [failure('stripe', LATER)] });
    expect(page).toMatch(/role="alert"[^]*2026-11-23 02:30:00 UTC: connection refused/);
    expect(page).toContain('Not asked yet.');
  });

  it('lets no text become markup', () => {
    const page = pageOf({ open: [discrepancy({ ref: '<script>alert(1)</script>' })] });
    expect(page).not.toContain('<script');
    expect(page).toContain('&lt;script&gt;');
  });
});
