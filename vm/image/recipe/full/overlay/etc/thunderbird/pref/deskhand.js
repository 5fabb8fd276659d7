// Nothing to click away at the start.
pref("mail.provider.suppress_dialog_on_startup", true);
pref("mailnews.start_page.enabled", false);
pref("mail.spotlight.firstRunDone", true);
pref("mail.shell.checkDefaultClient", false);
pref("app.donation.eoy.version.viewed", 999);
pref("mail.rights.version", 1);
pref("datareporting.policy.dataSubmissionEnabled", false);
pref("toolkit.cosmeticAnimations.enabled", false);
pref("ui.caretBlinkTime", 0);
pref("ui.prefersReducedMotion", 1);
pref("mail.tabs.drawInTitlebar", false);
