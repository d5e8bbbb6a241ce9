//! What the pages say, in each language. One table; a text that is missing in one of them does not compile.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;

/// A language that the pages speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Language {
    /// What it is when nobody says.
    #[default]
    English,
    /// 한국어
    Korean,
}

impl Language {
    /// All of them.
    pub(super) const ALL: [Self; 2] = [Self::English, Self::Korean];

    /// The tag (RFC 5646).
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }

    /// Its own name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Korean => "한국어",
        }
    }

    /// The language with this tag, or with one that begins with it (`ko-KR`).
    pub(super) fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    /// The one of `Accept-Language` with the greatest weight; of two alike the first.
    pub(super) fn accepted(headers: &HeaderMap) -> Self {
        let header = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut best = (Self::default(), 0);
        for range in header.split(',').take(20) {
            let mut pieces = range.split(';').map(str::trim);
            let Some(language) = pieces.next().and_then(Self::from_tag) else { continue };
            let weight = pieces.find_map(|piece| piece.strip_prefix("q=")).map_or(1.0, |weight| {
                weight.parse::<f32>().ok().filter(|weight| (0.0..=1.0).contains(weight)).unwrap_or(0.0)
            });
            // In thousandths, as they are written.
            #[expect(clippy::cast_possible_truncation, reason = "0 to 1000")]
            let weight = (weight * 1000.0) as i32;
            if weight > best.1 {
                best = (language, weight);
            }
        }
        best.0
    }

    /// What is said in this language.
    pub(super) fn texts(self) -> &'static Texts {
        match self {
            Self::English => &ENGLISH,
            Self::Korean => &KOREAN,
        }
    }
}

macro_rules! texts {
    ($($name:ident: $english:literal, $korean:literal;)*) => {
        /// What the pages say.
        #[derive(Debug)]
        pub(super) struct Texts {
            $(#[doc = $english] pub(super) $name: &'static str,)*
        }

        static ENGLISH: Texts = Texts { $($name: $english,)* };
        static KOREAN: Texts = Texts { $($name: $korean,)* };

        #[cfg(test)]
        const TABLE: &[(&str, &str, &str)] = &[$((stringify!($name), $english, $korean),)*];
    };
}

texts! {
    webmail: "Webmail", "웹메일";
    skip: "Skip to content", "본문으로 건너뛰기";
    language: "Language", "언어";
    log_in: "Log in", "로그인";
    log_out: "Log out", "로그아웃";
    address: "Mail address", "메일 주소";
    password: "Password", "비밀번호";
    wrong_password: "The address or the password is not right.", "메일 주소나 비밀번호가 올바르지 않습니다.";
    logged_out: "You are logged out.", "로그아웃했습니다.";
    please_log_in: "Please log in. Your session has ended.", "세션이 끝났습니다. 다시 로그인하세요.";
    ended_hint: "The message was not sent. Copy your text, log in, and paste it into a new message.", "메일을 보내지 못했습니다. 아래 내용을 복사한 뒤 로그인하여 새 메일에 붙여 넣으세요.";
    folders: "Folders", "메일함";
    inbox: "Inbox", "받은편지함";
    drafts: "Drafts", "임시보관함";
    sent: "Sent", "보낸편지함";
    archive: "Archive", "보관함";
    junk: "Junk", "스팸함";
    trash: "Trash", "휴지통";
    unread_count: "{} unread", "읽지 않음 {}";
    write: "New message", "새 메일";
    search: "Search", "검색";
    search_in: "Search in", "검색 범위";
    everywhere: "Everything", "전체";
    subject: "Subject", "제목";
    sender: "Sender", "보낸 사람";
    text: "Text", "본문";
    results: "“{}”: {} found", "“{}” 검색 결과 {}개";
    results_partly: "Only the newest messages were searched.", "최근 메일만 검색했습니다.";
    end_search: "Back to the folder", "메일함으로 돌아가기";
    nothing_found: "Nothing found.", "검색 결과가 없습니다.";
    nothing_found_hint: "Try another word, or search everything.", "다른 낱말로 찾거나 전체에서 검색해 보세요.";
    empty_folder: "Nothing here yet.", "메일이 없습니다.";
    empty_folder_hint: "Messages will appear here as they arrive.", "메일이 오면 여기에 나타납니다.";
    messages: "Messages", "메일 목록";
    message_count: "{} messages", "메일 {}개";
    message_count_one: "1 message", "메일 1개";
    pages: "Pages", "쪽";
    page_of: "Page {} of {}", "{} / {}쪽";
    newer: "Newer", "이전";
    older: "Older", "다음";
    select: "Select: {}", "선택: {}";
    actions: "Actions", "작업";
    mark_read: "Mark read", "읽음으로 표시";
    mark_unread: "Mark unread", "읽지 않음으로 표시";
    flag: "Flag", "별표";
    unflag: "Remove flag", "별표 해제";
    delete: "Delete", "삭제";
    delete_for_good: "Delete for good", "완전히 삭제";
    move_to: "Move to", "이동할 메일함";
    move_now: "Move", "이동";
    unread: "Unread", "읽지 않음";
    flagged: "Flagged", "별표";
    answered: "Answered", "답장함";
    has_attachment: "With attachment", "첨부파일 있음";
    no_subject: "(no subject)", "(제목 없음)";
    no_sender: "(no sender)", "(보낸 사람 없음)";
    no_recipient: "(no recipient)", "(받는 사람 없음)";
    from: "From", "보낸 사람";
    to: "To", "받는 사람";
    cc: "Cc", "참조";
    bcc: "Bcc", "숨은 참조";
    date: "Date", "날짜";
    reply: "Reply", "답장";
    reply_all: "Reply to all", "전체 답장";
    forward: "Forward", "전달";
    edit_draft: "Edit draft", "이어서 쓰기";
    view_source: "View source", "원문 보기";
    show_html: "Show HTML", "HTML로 보기";
    show_text: "Show plain text", "텍스트로 보기";
    html_message: "Message as HTML", "HTML 메일 본문";
    remote_blocked: "Remote images are not shown, so that the sender does not learn that you read this.", "보낸 사람이 열람 여부를 알 수 없도록 외부 이미지를 표시하지 않았습니다.";
    show_remote: "Show them in this message", "이 메일에서만 표시";
    remote_shown: "Remote images are shown in this message.", "이 메일의 외부 이미지를 표시하고 있습니다.";
    hide_remote: "Hide them again", "다시 숨기기";
    attachments: "Attachments", "첨부파일";
    download: "Download {}", "{} 내려받기";
    empty_message: "This message has no text.", "이 메일에는 본문이 없습니다.";
    too_long: "The text is too long to show it all. The source has the rest.", "본문이 너무 길어 일부만 표시합니다. 전체는 원문에서 볼 수 있습니다.";
    html_too_long: "The HTML is too long to be shown safely. The source has it.", "HTML 본문이 너무 길어 안전하게 표시할 수 없습니다. 원문에서 볼 수 있습니다.";
    back_to: "Back to {}", "{} 목록으로";
    recipients_hint: "Several addresses are separated by commas.", "주소가 여러 개면 쉼표로 구분하세요.";
    add_files: "Attach files", "파일 첨부";
    files_hint: "At most {} in all.", "모두 합해 최대 {}까지 보낼 수 있습니다.";
    kept_files: "Attached already", "이미 첨부된 파일";
    send: "Send", "보내기";
    save_draft: "Save draft", "임시저장";
    discard: "Cancel", "취소";
    done_sent: "The message is on its way.", "메일을 보냈습니다.";
    done_sent_no_copy: "The message is on its way, but no copy could be kept in Sent.", "메일을 보냈지만 보낸편지함에 사본을 저장하지 못했습니다.";
    done_twice: "This message was sent already. It was not sent again.", "이미 보낸 메일이라 다시 보내지 않았습니다.";
    done_saved: "The draft is saved.", "임시보관함에 저장했습니다.";
    done_moved: "Moved.", "이동했습니다.";
    done_deleted: "Moved to Trash.", "휴지통으로 옮겼습니다.";
    done_removed: "Deleted for good.", "완전히 삭제했습니다.";
    done_marked: "Done.", "처리했습니다.";
    nothing_chosen: "No message was chosen.", "선택한 메일이 없습니다.";
    need_recipient: "Say to whom the message goes.", "받는 사람을 입력하세요.";
    bad_addresses: "“{}” has something that is not a mail address.", "“{}”에 올바르지 않은 메일 주소가 있습니다.";
    address_not_ascii: "Mail to {} cannot be sent yet: its address has letters outside of ASCII.", "{}: 영문이 아닌 글자가 있는 주소로는 아직 보낼 수 없습니다.";
    unknown_recipient: "There is no mailbox {} here.", "{} 메일함이 없습니다.";
    recipient_full: "The mailbox {} is full.", "{} 메일함이 가득 찼습니다.";
    too_many_recipients: "These are too many recipients. At most {} can be addressed at once.", "받는 사람이 너무 많습니다. 한 번에 최대 {}명까지 보낼 수 있습니다.";
    too_large: "The message is too large. With its attachments, as they travel, it may have {}.", "메일이 너무 큽니다. 첨부파일을 포함하여 전송 형식으로 {}까지 보낼 수 있습니다.";
    not_sent: "The message was not sent. Your text is still here.", "메일을 보내지 못했습니다. 작성한 내용은 그대로 있습니다.";
    files_kept: "Your files were saved with a draft.", "첨부파일은 임시저장한 메일에 함께 보관했습니다.";
    files_again: "Please choose your files again.", "첨부파일은 다시 선택해 주세요.";
    files_gone: "Files that were attached are not there any more. Look again at what is attached.", "첨부했던 파일이 이미 없어졌습니다. 첨부파일을 다시 확인해 주세요.";
    bad_text: "Something in this message cannot be sent.", "보낼 수 없는 내용이 있습니다.";
    wrote: "On {}, {} wrote:", "{}에 {} 님이 쓴 글:";
    forwarded: "Forwarded message", "전달된 메일";
    error: "That did not work", "처리하지 못했습니다";
    error_not_found: "This is not here (any more).", "찾을 수 없거나 이미 없어졌습니다.";
    error_expired: "This page was too old, or did not come from here. Nothing was changed; please try again.", "오래되었거나 잘못된 페이지에서 보낸 요청입니다. 바뀐 것은 없으니 다시 시도해 주세요.";
    error_too_large: "That was too much at once. Nothing was changed.", "한 번에 보낸 내용이 너무 큽니다. 바뀐 것은 없습니다.";
    error_bad_request: "The request could not be understood.", "요청을 이해할 수 없습니다.";
    error_method: "This cannot be done in that way.", "이 방법으로는 할 수 없습니다.";
    error_timeout: "It took too long. Please try again.", "시간이 너무 오래 걸렸습니다. 다시 시도해 주세요.";
    error_busy: "The server cannot do this at the moment. Please try again in a while.", "지금은 처리할 수 없습니다. 잠시 후 다시 시도해 주세요.";
    error_full: "Your mailbox is full. Delete something for good and try again.", "메일함이 가득 찼습니다. 메일을 완전히 삭제한 뒤 다시 시도해 주세요.";
    error_secure: "Passwords are not sent in the clear. Open this page with https://.", "비밀번호를 암호화하지 않고 보낼 수 없습니다. https://로 접속해 주세요.";
    home: "To the inbox", "받은편지함으로";
}

/// Puts values where the text says `{}`, in their order.
pub(super) fn fill(text: &str, values: &[&str]) -> String {
    let mut values = values.iter();
    let mut pieces = text.split("{}");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        out.push_str(values.next().copied().unwrap_or_default());
        out.push_str(piece);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        for (name, english, korean) in TABLE {
            assert!(!english.trim().is_empty() && !korean.trim().is_empty(), "{name}");
            assert!(english.is_ascii() || english.contains('“'), "{name} is English");
            let hangul = |c: char| ('가'..='힣').contains(&c);
            assert!(korean.chars().any(hangul), "{name} is Korean");
            assert_eq!(english.matches("{}").count(), korean.matches("{}").count(), "{name}");
        }
    }

    #[test]
    fn languages_are_chosen() {
        let accepted = |header: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, header.parse().unwrap());
            Language::accepted(&headers)
        };
        assert_eq!(Language::accepted(&HeaderMap::new()), Language::English);
        for (header, language) in [
            ("ko", Language::Korean),
            ("ko-KR,ko;q=0.9,en-US;q=0.8", Language::Korean),
            ("en-US,en;q=0.9,ko;q=0.8", Language::English),
            ("de, ko;q=0.2, en;q=0.1", Language::Korean),
            ("en;q=0.1, KO;q=0.2", Language::Korean),
            ("ko;q=0", Language::English),
            ("ko;q=x", Language::English),
            ("korean", Language::English),
            ("*", Language::English),
            ("", Language::English),
            (",;,;q=", Language::English),
        ] {
            assert_eq!(accepted(header), language, "{header}");
        }
    }

    #[test]
    fn texts_are_filled() {
        assert_eq!(fill("Page {} of {}", &["1", "2"]), "Page 1 of 2");
        assert_eq!(fill("{}", &["{}"]), "{}", "what is filled in is not filled again");
        assert_eq!(fill("no place", &["x"]), "no place");
    }
}
