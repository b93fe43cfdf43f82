//! Closed lists that are sent and not stored: what they tell is worked out.

use crate::entity::labels::words;

words! {
    /// What has happened to an entry, for whoever reads this.
    Happened: "What has happened to an entry", "Kayda ne oldu" {
        /// It is there: for the first time, again, or for more readers than before.
        Published: "Published", "Yayımlandı";
        /// It is there, and something in it has changed.
        Updated: "Updated", "Güncellendi";
        /// It is there no more.
        Unpublished: "Withdrawn", "Yayından kaldırıldı";
        /// It is there no more and lies in the trash, or not even there.
        Deleted: "Deleted", "Silindi";
    }
}

words! {
    /// Why an entry is related.
    RelatedReason: "Why an entry is related", "İlişkinin nedeni" {
        /// One names the other.
        Link: "Linked", "Bağlantılı";
        /// They belong to one project, or one to the other.
        Project: "Same project", "Aynı proje";
        /// The same person took part.
        Person: "Same person", "Aynı kişi";
        /// The same partner took part.
        Partner: "Same partner", "Aynı paydaş";
        /// They are about the same topic.
        Topic: "Same topic", "Aynı konu";
        /// Their texts are alike.
        Text: "Similar text", "Benzer metin";
    }
}
