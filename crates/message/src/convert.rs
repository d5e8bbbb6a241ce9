//! Dates of other crates, each behind the feature of its name.

#[cfg(feature = "jiff")]
mod with_jiff {
    use crate::error::InvalidValue;
    use crate::types::DateTime;

    impl TryFrom<DateTime> for jiff::Timestamp {
        type Error = jiff::Error;

        /// The moment.
        fn try_from(date: DateTime) -> Result<Self, jiff::Error> {
            Self::from_second(date.timestamp())
        }
    }

    impl TryFrom<DateTime> for jiff::Zoned {
        type Error = jiff::Error;

        /// The moment in the zone of the date; UTC if that is not known.
        fn try_from(date: DateTime) -> Result<Self, jiff::Error> {
            let offset = jiff::tz::Offset::from_seconds(i32::from(date.offset().unwrap_or(0)) * 60)?;
            Ok(jiff::Timestamp::from_second(date.timestamp())?.to_zoned(offset.to_time_zone()))
        }
    }

    impl TryFrom<&jiff::Zoned> for DateTime {
        type Error = InvalidValue;

        /// The moment in its zone, whose seconds are cut off.
        fn try_from(zoned: &jiff::Zoned) -> Result<Self, InvalidValue> {
            let minutes = i16::try_from(zoned.offset().seconds() / 60).unwrap_or(0);
            Self::from_timestamp(zoned.timestamp().as_second(), minutes)
        }
    }
}

#[cfg(feature = "chrono")]
mod with_chrono {
    use chrono::TimeZone as _;

    use crate::error::{InvalidReason, InvalidValue};
    use crate::types::DateTime;

    impl TryFrom<DateTime> for chrono::DateTime<chrono::FixedOffset> {
        type Error = InvalidValue;

        /// The moment in the zone of the date; UTC if that is not known. Zones of 24 hours and more are out of range.
        fn try_from(date: DateTime) -> Result<Self, InvalidValue> {
            let range = || InvalidValue::new("date-time", InvalidReason::Range, 0);
            let seconds = i32::from(date.offset().unwrap_or(0)) * 60;
            let offset = chrono::FixedOffset::east_opt(seconds).ok_or_else(range)?;
            offset.timestamp_opt(date.timestamp(), 0).single().ok_or_else(range)
        }
    }

    impl TryFrom<chrono::DateTime<chrono::FixedOffset>> for DateTime {
        type Error = InvalidValue;

        /// The moment in its zone, whose seconds are cut off.
        fn try_from(date: chrono::DateTime<chrono::FixedOffset>) -> Result<Self, InvalidValue> {
            let minutes = i16::try_from(date.offset().local_minus_utc() / 60).unwrap_or(0);
            Self::from_timestamp(date.timestamp(), minutes)
        }
    }
}

#[cfg(feature = "time")]
mod with_time {
    use crate::error::{InvalidReason, InvalidValue};
    use crate::types::DateTime;

    impl TryFrom<DateTime> for time::OffsetDateTime {
        type Error = InvalidValue;

        /// The moment in the zone of the date; UTC if that is not known. Zones of more than 25 hours are out of range.
        fn try_from(date: DateTime) -> Result<Self, InvalidValue> {
            let range = || InvalidValue::new("date-time", InvalidReason::Range, 0);
            let seconds = i32::from(date.offset().unwrap_or(0)) * 60;
            let offset = time::UtcOffset::from_whole_seconds(seconds).map_err(|_| range())?;
            let moment = Self::from_unix_timestamp(date.timestamp()).map_err(|_| range())?;
            moment.checked_to_offset(offset).ok_or_else(range)
        }
    }

    impl TryFrom<time::OffsetDateTime> for DateTime {
        type Error = InvalidValue;

        /// The moment in its zone, whose seconds are cut off.
        fn try_from(date: time::OffsetDateTime) -> Result<Self, InvalidValue> {
            Self::from_timestamp(date.unix_timestamp(), date.offset().whole_minutes())
        }
    }
}

#[cfg(feature = "serde")]
mod with_serde {
    use alloc::borrow::Cow;

    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::{Serialize, SerializeStruct as _, Serializer};

    use crate::defect::{Defect, DefectCode, Severity};
    use crate::types::{
        AddrSpec, Address, ContentDisposition, ContentType, DateTime, DispositionType, Group, Mailbox,
        MessageId, Parameter, TransferEncoding,
    };

    macro_rules! as_text {
        ($($type:ty: |$value:ident| $text:expr;)*) => {
            $(impl Serialize for $type {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    let $value = self;
                    serializer.collect_str(&$text)
                }
            })*
        };
    }

    as_text! {
        DateTime: |date| date.rfc3339();
        AddrSpec: |address| address;
        MessageId: |id| id.as_str();
        TransferEncoding: |encoding| encoding;
        DispositionType: |disposition| disposition.as_str();
        Severity: |severity| severity;
        DefectCode: |code| code;
    }

    macro_rules! from_text {
        ($($type:ty),*) => {
            $(impl<'de> Deserialize<'de> for $type {
                /// From the form in which it stands in a message.
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let text = Cow::<'de, str>::deserialize(deserializer)?;
                    text.parse().map_err(D::Error::custom)
                }
            })*
        };
    }

    from_text!(AddrSpec, MessageId);

    macro_rules! as_struct {
        ($($type:ident { $($field:literal: |$value:ident| $get:expr,)* })*) => {
            $(impl Serialize for $type {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    let mut out = serializer.serialize_struct(stringify!($type), [$($field),*].len())?;
                    $({
                        let $value = self;
                        out.serialize_field($field, &$get)?;
                    })*
                    out.end()
                }
            })*
        };
    }

    as_struct! {
        Mailbox {
            "name": |mailbox| mailbox.name(),
            "address": |mailbox| mailbox.address(),
        }
        Group {
            "group": |group| group.name(),
            "members": |group| group.members(),
        }
        Parameter {
            "name": |parameter| parameter.name(),
            "value": |parameter| parameter.value(),
            "language": |parameter| parameter.language(),
        }
        ContentType {
            "type": |content_type| content_type.essence(),
            "parameters": |content_type| content_type.parameters(),
        }
        ContentDisposition {
            "type": |disposition| disposition.disposition_type(),
            "parameters": |disposition| disposition.parameters(),
        }
        Defect {
            "code": |defect| defect.code,
            "offset": |defect| defect.offset,
            "severity": |defect| defect.severity,
            "related": |defect| defect.related,
        }
    }

    impl Serialize for Address {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self {
                Self::Mailbox(mailbox) => mailbox.serialize(serializer),
                Self::Group(group) => group.serialize(serializer),
            }
        }
    }
}
